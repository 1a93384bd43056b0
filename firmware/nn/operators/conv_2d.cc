// CONV_2D: int8, NHWC, weights [output channels, height, width, input channels per group], scales
// per tensor or per output channel. Padding stands for real 0.
// Source: TensorFlow Lite 8-bit quantization specification, CONV_2D.
#include <cstring>

#include "nn/kernels/dot.h"
#include "nn/operator.h"
#include "nn/operators/channel_scaling.h"
#include "nn/operators/operators.h"
#include "nn/operators/window.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kWeights = 1;
constexpr int kBias = 2;
enum OptionsField {
  kPadding,
  kStrideWidth,
  kStrideHeight,
  kFusedActivation,
  kDilationWidth,
  kDilationHeight
};

struct Conv2DData {
  Window window;
  ChannelScaling scaling;
  int32_t groups;
  int32_t group_inputs;   // input channels per group
  int32_t group_outputs;  // output channels per group
  int32_t depth;          // weights per output channel
  int32_t input_offset;
};

const char* CheckShapes(const PrepareContext& context, const Shape& input, const Shape& weights,
                        const Shape& output, Conv2DData* data) {
  const FlatTable& options = context.options();
  if (weights.rank != 4) return "expected weights of 4 dimensions";
  data->window.kernel_height = weights.Dim(1);
  data->window.kernel_width = weights.Dim(2);
  data->window.stride_height = options.Get<int32_t>(kStrideHeight, 0);
  data->window.stride_width = options.Get<int32_t>(kStrideWidth, 0);
  data->window.dilation_height = options.Get<int32_t>(kDilationHeight, 1);
  data->window.dilation_width = options.Get<int32_t>(kDilationWidth, 1);
  const auto padding = static_cast<Padding>(options.Get<int8_t>(kPadding, 0));
  if (const char* reason = FitWindow(padding, input, output, &data->window)) return reason;

  const int32_t output_channels = weights.Dim(0);
  data->group_inputs = weights.Dim(3);
  data->groups = data->window.input_channels / data->group_inputs;
  if (data->groups * data->group_inputs != data->window.input_channels || data->groups == 0 ||
      output_channels % data->groups != 0 || output_channels != data->window.output_channels) {
    return "channels of input, weights and output do not fit";
  }
  data->group_outputs = output_channels / data->groups;
  data->depth = weights.Dim(1) * weights.Dim(2) * weights.Dim(3);
  if (!IsBias(context.Input(kBias), output_channels)) {
    return "expected an int32 bias value per output channel";
  }
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(kInput);
  const Tensor weights = context.Input(kWeights);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return "expected int8 input and output with one scale each";
  }
  if (!IsSymmetricWeights(weights, TensorType::kInt8, 0)) {
    return "expected constant int8 weights, zero point 0, one scale or one per output channel";
  }
  auto* const data = context.AllocateData<Conv2DData>();
  if (data == nullptr) return kArenaIsFull;
  const char* reason = CheckShapes(context, input.shape, weights.shape, output.shape, data);
  if (reason != nullptr) return reason;
  data->input_offset = -input.quantization.ZeroPoint();
  const uint32_t column_bytes = (static_cast<uint32_t>(data->depth) + 3) & ~uint32_t{3};
  context.RequestScratch(static_cast<uint32_t>(WideBytes(data->depth)) + column_bytes);
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return PrepareChannelScaling(context, input, weights, output, activation,
                               SingleScale::kProductInDouble, &data->scaling);
}

// Copies what one place's kernel sees, one group's channels, in the order of the weights.
void GatherColumn(const Conv2DData& data, const int8_t* image, int32_t y, int32_t x,
                  int8_t* column) {
  const Window& window = data.window;
  const int32_t top = y * window.stride_height - window.pad_height;
  const int32_t left = x * window.stride_width - window.pad_width;
  const Taps rows = TapsInside(top, window.dilation_height, window.kernel_height,
                               window.input_height);
  const Taps taps = TapsInside(left, window.dilation_width, window.kernel_width,
                               window.input_width);
  const auto run = static_cast<std::size_t>(data.group_inputs);
  // The zero point is real 0, and nothing once it is taken off.
  std::memset(column, -data.input_offset, static_cast<std::size_t>(data.depth));
  for (int32_t row = rows.first; row < rows.last; ++row) {
    const int32_t in_y = top + row * window.dilation_height;
    for (int32_t tap = taps.first; tap < taps.last; ++tap) {
      const int32_t in_x = left + tap * window.dilation_width;
      std::memcpy(column + (row * window.kernel_width + tap) * data.group_inputs,
                  image + window.InputOffset(0, in_y, in_x), run);
    }
  }
}

bool SeesWholePixels(const Conv2DData& data) {
  return data.window.kernel_height == 1 && data.window.kernel_width == 1 && data.groups == 1;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<Conv2DData>();
  const Window& window = data.window;
  const ChannelScaler scale(context, data.scaling, kBias);
  int16_t* const wide = context.Scratch<int16_t>();
  int8_t* const column = context.Scratch<int8_t>() + WideBytes(data.depth);
  const bool whole_pixels = SeesWholePixels(data);
  ForEachPlace(window, [&](int32_t batch, int32_t y, int32_t x) {
    int8_t* const output = context.Output<int8_t>(0) + window.OutputOffset(batch, y, x);
    for (int32_t group = 0; group < data.groups; ++group) {
      const int8_t* const image = context.Input<int8_t>(kInput) +
                                  window.InputOffset(batch, 0, 0) + group * data.group_inputs;
      const int8_t* seen = column;
      if (whole_pixels) {
        seen = image + window.InputOffset(0, y * window.stride_height, x * window.stride_width);
      } else {
        GatherColumn(data, image, y, x, column);
      }
      WidenS8(seen, data.depth, data.input_offset, wide);
      const int32_t first = group * data.group_outputs;
      DotRowsS8(wide, context.Input<int8_t>(kWeights) + first * data.depth, data.group_outputs,
                data.depth, data.depth, [&](int32_t row, int32_t sum) {
                  output[first + row] = scale(first + row, sum);
                });
    }
  });
}

}  // namespace

extern const Operator kOperatorConv2D = {3, "CONV_2D", Prepare, Invoke};

}  // namespace stapes

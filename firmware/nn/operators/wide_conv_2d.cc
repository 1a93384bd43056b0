// SPDX-License-Identifier: Apache-2.0
// CONV_2D with int16 activations and int8 weights; int8 ones as conv_2d.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/operators/operators.h"
#include "nn/operators/support/wide_scaling.h"
#include "nn/operators/support/window.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kWeights = 1;
constexpr int kBias = 2;
enum OptionsField {
  kPadding,
  kStrideWidth,
  kStrideHeight,
  kActivation,
  kDilationWidth,
  kDilationHeight,
  kBiasType
};

struct WideConv2DData {
  Window window;
  WideChannelScaling scaling;
  int32_t group_inputs;   // input channels per group
  int32_t group_outputs;  // output channels per group
};

const char* CheckShapes(const FlatTable& options, const WeighedTensors& tensors,
                        WideConv2DData* data) {
  const Shape& weights = tensors.weights.shape;
  Window& window = data->window;
  window.kernel_height = weights.Dim(1);
  window.kernel_width = weights.Dim(2);
  window.stride_height = options.Get<int32_t>(kStrideHeight, 0);
  window.stride_width = options.Get<int32_t>(kStrideWidth, 0);
  window.dilation_height = options.Get<int32_t>(kDilationHeight, 1);
  window.dilation_width = options.Get<int32_t>(kDilationWidth, 1);
  const auto padding = static_cast<Padding>(options.Get<int8_t>(kPadding, 0));
  if (const char* reason = FitWindow(padding, tensors.input.shape, tensors.output.shape, &window)) {
    return reason;
  }
  data->group_inputs = weights.Dim(3);
  const int32_t groups = window.input_channels / data->group_inputs;
  if (groups == 0 || groups * data->group_inputs != window.input_channels ||
      weights.Dim(0) % groups != 0 || weights.Dim(0) != window.output_channels) {
    return Why("channels of input, weights and output do not fit");
  }
  data->group_outputs = weights.Dim(0) / groups;
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  if (const char* reason = CheckWideTensors(context, tensors, 4, 0)) {
    return reason;
  }
  auto* const data = context.AllocateData<WideConv2DData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  if (const char* reason = CheckShapes(context.options(), tensors, data)) {
    return reason;
  }
  return PrepareWideScaling(context, tensors, {kActivation, kBiasType}, &data->scaling);
}

// `weights` are those of one output channel, `image` starts at its group's first input channel.
uint64_t Sum(const WideConv2DData& data, const Seen& seen, const int16_t* image,
             const int8_t* weights) {
  const Window& window = data.window;
  uint64_t sum = 0;
  for (int32_t row = seen.rows.first; row < seen.rows.last; ++row) {
    for (int32_t tap = seen.taps.first; tap < seen.taps.last; ++tap) {
      const int16_t* const pixel =
          image + window.InputOffset(0, seen.top + row * window.dilation_height,
                                     seen.left + tap * window.dilation_width);
      const int8_t* const at = weights + (row * window.kernel_width + tap) * data.group_inputs;
      for (int32_t i = 0; i < data.group_inputs; ++i) {
        sum += Product(pixel[i], at[i]);
      }
    }
  }
  return sum;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<WideConv2DData>();
  const Window& window = data.window;
  const WideScaling scaling(context, data.scaling, kBias);
  const int32_t depth = window.kernel_height * window.kernel_width * data.group_inputs;
  int16_t* output = context.Output<int16_t>(0);
  ForEachPlace(window, [&](int32_t batch, int32_t y, int32_t x) {
    const Seen seen = Look(window, y, x);
    const int16_t* const image = context.Input<int16_t>(kInput) + window.InputOffset(batch, 0, 0);
    const int8_t* weights = context.Input<int8_t>(kWeights);
    for (int32_t c = 0; c < window.output_channels; ++c, weights += depth) {
      const int32_t first = c / data.group_outputs * data.group_inputs;
      *output++ = scaling(c, Sum(data, seen, image + first, weights));
    }
  });
}

using WideConv2D = Wide<kOperatorConv2D, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideConv2D = {3, "CONV_2D", WideConv2D::Prepare, WideConv2D::Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// CONV_2D: int8, NHWC, weights [output channels, height, width, input channels per group], scales
// per tensor or per output channel. Padding stands for real 0.
// Source: TensorFlow Lite 8-bit quantization specification, CONV_2D.
#include <cstring>

#include "nn/kernels/matmul.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/channel_scaling.h"
#include "nn/operators/support/window.h"
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
  bool is_pointwise;      // every place sees the pixel in the same place
  PanelShape panel;
};

// Columns are widened in portions of at most this many bytes (but two columns at least).
constexpr int32_t kPanelBytes = 4096;

const char* CheckShapes(const FlatTable& options, const Shape& input, const Shape& weights,
                        const Shape& output, Conv2DData* data) {
  data->window.kernel_height = weights.Dim(1);
  data->window.kernel_width = weights.Dim(2);
  data->window.stride_height = options.Get<int32_t>(kStrideHeight, 0);
  data->window.stride_width = options.Get<int32_t>(kStrideWidth, 0);
  data->window.dilation_height = options.Get<int32_t>(kDilationHeight, 1);
  data->window.dilation_width = options.Get<int32_t>(kDilationWidth, 1);
  const auto padding = static_cast<Padding>(options.Get<int8_t>(kPadding, 0));
  if (const char* reason = FitWindow(padding, input, output, &data->window)) {
    return reason;
  }

  const int32_t output_channels = weights.Dim(0);
  data->group_inputs = weights.Dim(3);
  data->groups = data->window.input_channels / data->group_inputs;
  if (data->groups * data->group_inputs != data->window.input_channels || data->groups == 0 ||
      output_channels % data->groups != 0 || output_channels != data->window.output_channels) {
    return Why("channels of input, weights and output do not fit");
  }
  data->group_outputs = output_channels / data->groups;
  data->depth = weights.Dim(1) * weights.Dim(2) * weights.Dim(3);
  return nullptr;
}

int32_t Places(const Window& window) {  // fit 31 bits, as the output's bytes do
  return window.batches * window.output_height * window.output_width;
}

// Columns for which a panel has room on every machine.
int32_t PanelColumns(const Conv2DData& data) {
  const int32_t places = Places(data.window);
  const int32_t columns = kPanelBytes / (2 * PaddedDepth(data.depth)) & ~1;
  const int32_t least = columns < 2 ? 2 : columns;
  return least < places ? least : places;
}

// Scratch: the panel, memory for a pair of rows, two gathered columns.
void RequestPanel(PrepareContext& context, const Conv2DData& data) {
  context.RequestScratch(static_cast<uint32_t>(PanelBytes(data.depth, PanelColumns(data)) +
                                               PanelRowBytes(data.depth) +
                                               2 * PaddedDepth(data.depth)));
}

bool SeesWholePixels(const Conv2DData& data) {
  return data.window.kernel_height == 1 && data.window.kernel_width == 1 && data.groups == 1;
}

// A portion of places is read before its outputs are written, which then never reach further than
// the inputs read so far.
bool WorksInPlace(const Conv2DData& data) {
  return data.is_pointwise && data.window.output_channels <= data.window.input_channels;
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  const char* reason = CheckWeighedTensors(context, tensors, 4, 0);
  if (reason != nullptr) {
    return reason;
  }
  auto* const data = context.AllocateData<Conv2DData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  reason = CheckShapes(context.options(), tensors.input.shape, tensors.weights.shape,
                       tensors.output.shape, data);
  if (reason != nullptr) {
    return reason;
  }
  data->panel = {data->depth, -tensors.input.quantization.ZeroPoint()};
  data->is_pointwise =
      SeesWholePixels(*data) && data->window.stride_height == 1 && data->window.stride_width == 1;
  RequestPanel(context, *data);
  if (WorksInPlace(*data)) {
    context.AllowInPlace(kInput);
  }
  return PrepareChannelScaling(context, tensors, kFusedActivation, &data->scaling);
}

// Runs are short: no calls. Columns are padded to whole words.
void FillColumn(int32_t value, int32_t depth, int8_t* column) {
  const uint32_t word = static_cast<uint8_t>(value) * uint32_t{0x01010101};
  for (int32_t i = 0; i < depth; i += 4) {
    std::memcpy(column + i, &word, sizeof(word));
  }
}

struct Runs {
  int32_t count;
  int32_t bytes;
  int32_t from_step;
  int32_t to_step;
};

[[gnu::noinline]] void CopyRuns(Runs runs, const int8_t* from, int8_t* to) {
  for (; runs.count > 0; --runs.count, from += runs.from_step, to += runs.to_step) {
    const int8_t* at = from;
    int8_t* copy = to;
    const int8_t* const words_end = from + (runs.bytes & ~3);
    const int8_t* const end = from + runs.bytes;
    for (; at != words_end; at += 4, copy += 4) {
      std::memcpy(copy, at, 4);
    }
    while (at != end) {
      *copy++ = *at++;
    }
  }
}

// Copies what one place's kernel sees, one group's channels, in the order of the weights.
void GatherColumn(const Conv2DData& data, const int8_t* image, int32_t y, int32_t x,
                  int8_t* column) {
  const Window& window = data.window;
  const int32_t top = y * window.stride_height - window.pad_height;
  const int32_t left = x * window.stride_width - window.pad_width;
  const Taps rows =
      TapsInside(top, window.dilation_height, window.kernel_height, window.input_height);
  const Taps taps =
      TapsInside(left, window.dilation_width, window.kernel_width, window.input_width);
  // The padding is the zero point, real 0: it adds nothing once the zero point is taken off.
  if (rows.last - rows.first != window.kernel_height ||
      taps.last - taps.first != window.kernel_width) {
    FillColumn(-data.panel.input_offset, data.depth, column);
  }
  const int8_t* from = image + window.InputOffset(0, top + rows.first * window.dilation_height,
                                                  left + taps.first * window.dilation_width);
  column += (rows.first * window.kernel_width + taps.first) * data.group_inputs;
  // Taps that lie side by side in the image are copied at once.
  const bool adjacent = window.dilation_width == 1 && data.groups == 1;
  const int32_t count = taps.last - taps.first;
  const int32_t runs = adjacent ? 1 : count;
  const int32_t run_bytes = adjacent ? count * data.group_inputs : data.group_inputs;
  const Runs kernel_rows = {rows.last - rows.first, run_bytes,
                            window.dilation_height * window.input_width * window.input_channels,
                            window.kernel_width * data.group_inputs};
  for (int32_t run = 0; run < runs; ++run, column += run_bytes) {
    CopyRuns(kernel_rows, from, column);
    from += window.dilation_width * window.input_channels;
  }
}

// One invoke: the input, and the memory for its columns.
struct Columns {
  const Conv2DData& data;
  const int8_t* input;
  int16_t* panel;
  int8_t* gathered;  // room for two columns

  // What output place `place` (batch, y, x in this order) sees of a group's channels.
  const int8_t* See(int32_t place, int32_t group) const {
    return data.is_pointwise ? input + place * data.depth : Look(place, group);
  }

  [[gnu::noinline]] const int8_t* Look(int32_t place, int32_t group) const {
    const Window& window = data.window;
    const int32_t x = place % window.output_width;
    const int32_t row = place / window.output_width;
    const int32_t y = row % window.output_height;
    const int8_t* const image =
        input + group * data.group_inputs + window.InputOffset(row / window.output_height, 0, 0);
    if (SeesWholePixels(data)) {
      return image + window.InputOffset(0, y * window.stride_height, x * window.stride_width);
    }
    int8_t* const column = gathered + (place & 1) * PaddedDepth(data.depth);
    GatherColumn(data, image, y, x, column);
    return column;
  }

  void Lay(int32_t first_place, int32_t count, int32_t group) const {
    for (int32_t i = 0; i < count; i += 2) {
      const int8_t* const first = See(first_place + i, group);
      const int8_t* const second = i + 1 < count ? See(first_place + i + 1, group) : first;
      LayColumnPair(data.panel, first, second, i, panel);
    }
  }
};

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<Conv2DData>();
  const Window& window = data.window;
  const Scaling scaling = ReadScaling(context, data.scaling, kBias);
  int8_t* const scratch = context.Scratch<int8_t>();
  const int32_t panel_columns = PanelColumns(data);
  int8_t* const row_memory = scratch + PanelBytes(data.depth, panel_columns);
  const Columns columns = {data, context.Input<int8_t>(kInput), reinterpret_cast<int16_t*>(scratch),
                           row_memory + PanelRowBytes(data.depth)};
  const int32_t places = Places(window);
  const int32_t together = kPanelDensity * panel_columns;
  for (int32_t place = 0; place < places; place += together) {
    const int32_t left = places - place;
    const int32_t count = left < together ? left : together;
    for (int32_t group = 0; group < data.groups; ++group) {
      const int32_t channel = group * data.group_outputs;
      columns.Lay(place, count, group);
      MultiplyPanel(data.panel, scaling.From(channel), columns.panel, count,
                    context.Input<int8_t>(kWeights) + channel * data.depth, data.group_outputs,
                    reinterpret_cast<int16_t*>(row_memory),
                    context.Output<int8_t>(0) + place * window.output_channels + channel,
                    window.output_channels);
    }
  }
}

}  // namespace

extern const Operator kOperatorConv2D = {3, "CONV_2D", Prepare, Invoke};

}  // namespace stapes

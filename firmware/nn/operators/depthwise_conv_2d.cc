// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D: int8, NHWC, weights [1, height, width, output channels], scales per tensor or
// per output channel. Output channel c sees input channel c / multiplier.
// Source: TensorFlow Lite 8-bit quantization specification, DEPTHWISE_CONV_2D.
#include <cstring>

#include "nn/kernels/depthwise.h"
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
constexpr int32_t kChannelDimension = 3;
enum OptionsField {
  kPadding,
  kStrideWidth,
  kStrideHeight,
  kDepthMultiplier,
  kFusedActivation,
  kDilationWidth,
  kDilationHeight
};

struct DepthwiseConv2DData {
  Window window;
  ChannelScaling scaling;
  int32_t multiplier;  // output channels per input channel
  DepthwiseShape shape;
};

// Tap pointers take as many bytes in the arena on every machine.
constexpr uint32_t kPointerBytes = 8;
static_assert(sizeof(const int8_t*) <= kPointerBytes, "they fit");

const char* CheckShapes(const FlatTable& options, const WeighedTensors& tensors,
                        DepthwiseConv2DData* data) {
  const Shape& weights = tensors.weights.shape;
  if (weights.Dim(0) != 1) {
    return Why("expected weights of shape 1, h, w, c");
  }
  data->window.kernel_height = weights.Dim(1);
  data->window.kernel_width = weights.Dim(2);
  data->window.stride_height = options.Get<int32_t>(kStrideHeight, 0);
  data->window.stride_width = options.Get<int32_t>(kStrideWidth, 0);
  data->window.dilation_height = options.Get<int32_t>(kDilationHeight, 1);
  data->window.dilation_width = options.Get<int32_t>(kDilationWidth, 1);
  const auto padding = static_cast<Padding>(options.Get<int8_t>(kPadding, 0));
  const char* const reason =
      FitWindow(padding, tensors.input.shape, tensors.output.shape, &data->window);
  if (reason != nullptr) {
    return reason;
  }
  const int32_t output_channels = weights.Dim(3);
  data->multiplier = output_channels / data->window.input_channels;
  data->shape = {output_channels, weights.Dim(1) * weights.Dim(2),
                 -tensors.input.quantization.ZeroPoint()};
  if (data->multiplier == 0 || options.Get<int32_t>(kDepthMultiplier, 0) != data->multiplier ||
      data->multiplier * data->window.input_channels != output_channels ||
      data->window.output_channels != output_channels) {
    return Why("channels of input, weights and output do not fit the depth multiplier");
  }
  return nullptr;
}

uint32_t TapBytes(const DepthwiseShape& shape) {
  return static_cast<uint32_t>(shape.TapPointers()) * kPointerBytes;
}

// Input rows that a place may still look at when the outputs have overwritten them.
int32_t KeptRows(const Window& window) { return window.pad_height + 1; }

uint32_t RowBytes(const Window& window) {
  return static_cast<uint32_t>(window.input_width * window.input_channels);
}

// Scratch: pointers to taps, layout, a pixel of zero points, kept rows. With a multiplier above 1:
// sums.
void RequestScratch(PrepareContext& context, const DepthwiseConv2DData& data) {
  const DepthwiseShape& shape = data.shape;
  const auto channels = static_cast<uint32_t>(shape.channels);
  if (data.multiplier != 1) {
    context.RequestScratch(channels * uint32_t{sizeof(uint32_t)});
    return;
  }
  const auto layout = static_cast<uint32_t>(DepthwiseBytes(shape.channels, shape.taps));
  const auto kept = static_cast<uint32_t>(KeptRows(data.window));
  context.RequestScratch(TapBytes(shape) + layout + channels + kept * RowBytes(data.window));
  context.AllowInPlace(kInput);
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  const char* reason = CheckWeighedTensors(context, tensors, 4, kChannelDimension);
  if (reason != nullptr) {
    return reason;
  }
  auto* const data = context.AllocateData<DepthwiseConv2DData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  reason = CheckShapes(context.options(), tensors, data);
  if (reason != nullptr) {
    return reason;
  }
  RequestScratch(context, *data);
  return PrepareChannelScaling(context, tensors, kFusedActivation, &data->scaling);
}

// Adds one tap to the sums of all channels; sums wrap.
void AddTap(const DepthwiseConv2DData& data, const int8_t* input, const int8_t* weights,
            uint32_t* sums) {
  const int32_t channels = data.window.input_channels;
  for (int32_t c = 0; c < channels; ++c) {
    const int32_t value = input[c] + data.shape.input_offset;
    for (int32_t m = 0; m < data.multiplier; ++m) {
      *sums++ += static_cast<uint32_t>(*weights++ * value);
    }
  }
}

void SumPlace(const DepthwiseConv2DData& data, const int8_t* image, const int8_t* weights,
              int32_t y, int32_t x, uint32_t* sums) {
  const Window& window = data.window;
  const int32_t top = y * window.stride_height - window.pad_height;
  const int32_t left = x * window.stride_width - window.pad_width;
  const Taps rows =
      TapsInside(top, window.dilation_height, window.kernel_height, window.input_height);
  const Taps taps =
      TapsInside(left, window.dilation_width, window.kernel_width, window.input_width);
  for (int32_t row = rows.first; row < rows.last; ++row) {
    for (int32_t tap = taps.first; tap < taps.last; ++tap) {
      const int32_t offset = window.InputOffset(0, top + row * window.dilation_height,
                                                left + tap * window.dilation_width);
      AddTap(data, image + offset,
             weights + (row * window.kernel_width + tap) * window.output_channels, sums);
    }
  }
}

// Multipliers above 1, tap by tap.
void InvokeTapByTap(const InvokeContext& context, const DepthwiseConv2DData& data,
                    const Scaling& scaling) {
  const Window& window = data.window;
  uint32_t* const sums = context.Scratch<uint32_t>();
  ForEachPlace(window, [&](int32_t batch, int32_t y, int32_t x) {
    std::memset(sums, 0, static_cast<std::size_t>(window.output_channels) * sizeof(uint32_t));
    SumPlace(data, context.Input<int8_t>(kInput) + window.InputOffset(batch, 0, 0),
             context.Input<int8_t>(kWeights), y, x, sums);
    int8_t* const output = context.Output<int8_t>(0) + window.OutputOffset(batch, y, x);
    for (int32_t c = 0; c < window.output_channels; ++c) {
      output[c] = scaling(c, static_cast<int32_t>(sums[c]));
    }
  });
}

// The image as the taps see it. Outputs may overwrite it: output row y lies within the input rows
// up to y, which are therefore copied before, each in turn, into a ring of KeptRows.
class TappedImage {
 public:
  TappedImage(const Window& window, const int8_t* image, const int8_t* outside, int8_t* kept)
      : window_(window), image_(image), outside_(outside), kept_(kept) {}

  // Before the outputs of row y are written.
  void Keep(int32_t y) {
    kept_to_ = y;
    std::memcpy(kept_ + Slot(y), image_ + window_.InputOffset(0, y, 0), RowBytes(window_));
  }

  // Pointers to the pixels under all taps at one place, `outside` for those beyond the border.
  [[gnu::noinline]] void PointAtTaps(int32_t y, int32_t x, const int8_t** taps) const {
    const int32_t left = x * window_.stride_width - window_.pad_width;
    const int32_t step = window_.dilation_width * window_.input_channels;
    int32_t in_y = y * window_.stride_height - window_.pad_height;
    for (int32_t row = window_.kernel_height; row != 0; --row, in_y += window_.dilation_height) {
      const bool inside = in_y >= 0 && in_y < window_.input_height;
      const auto width = static_cast<uint32_t>(inside ? window_.input_width : 0);
      const int8_t* const pixels = inside ? Row(in_y) : outside_;
      int32_t in_x = left;
      int32_t offset = left * window_.input_channels;
      for (int32_t tap = window_.kernel_width; tap != 0; --tap, offset += step) {
        *taps++ = static_cast<uint32_t>(in_x) < width ? pixels + offset : outside_;
        in_x += window_.dilation_width;
      }
    }
    if (window_.kernel_height * window_.kernel_width % 2 != 0) {
      *taps = outside_;
    }
  }

  // Taps by which a kernel moves from place to place; 0 if it must be placed anew each time.
  int32_t Slides() const {
    const int32_t slides = window_.stride_width / window_.dilation_width;
    const bool is_whole = slides * window_.dilation_width == window_.stride_width;
    return is_whole && slides < window_.kernel_width ? slides : 0;
  }

  // Moves a kernel of two columns or more by one tap to the right: what was under a tap is under
  // its left neighbour, and the last tap of every row comes to column x.
  [[gnu::noinline]] void SlideTaps(int32_t x, const int8_t** taps) const {
    const int32_t step = window_.dilation_width * window_.input_channels;
    const bool is_inside = x < window_.input_width;
    const int32_t width = window_.kernel_width;
    const int8_t* const outside = outside_;
    const int8_t** const end = taps + window_.kernel_height * width;
    const int8_t** at = taps;
    do {
      const int8_t* next = at[1];
      __asm__("" : "+r"(next));  // or the loop becomes a call of memmove
      *at++ = next;
    } while (at + 1 != end);
    for (at = taps + width - 1; at < end; at += width) {
      at[0] = is_inside && at[-1] != outside ? at[-1] + step : outside;
    }
  }

 private:
  int32_t Slot(int32_t y) const {
    return y % KeptRows(window_) * static_cast<int32_t>(RowBytes(window_));
  }
  const int8_t* Row(int32_t y) const {
    return y <= kept_to_ ? kept_ + Slot(y) : image_ + window_.InputOffset(0, y, 0);
  }

  const Window& window_;
  const int8_t* image_;
  const int8_t* outside_;
  int8_t* kept_;
  int32_t kept_to_ = -1;
};

// Whether a kernel of one column goes over images of one column, from row to row.
[[maybe_unused]] bool IsOverTime(const Window& window) {
  return window.kernel_width == 1 && window.input_width == 1 && window.output_width == 1 &&
         window.stride_height == 1 && window.dilation_height == 1;
}

// All images, where that has code of its own. A build without optimization keeps this function
// everywhere, so it must not name what other cores lack.
[[maybe_unused]] bool InvokeOverTime(const InvokeContext& context, const DepthwiseConv2DData& data,
                                     const Scaling& scaling) {
  if constexpr (kHasDepthwiseOverTime) {
    const Window& window = data.window;
    const TimeShape time = {window.input_height, window.output_height, window.pad_height};
    const int32_t bytes = DepthwiseBytes(data.shape.channels, data.shape.taps);
    for (int32_t batch = 0; batch < window.batches; ++batch) {
      if (!DepthwiseOverTime(data.shape, time, scaling, context.Input<int8_t>(kWeights),
                             context.Input<int8_t>(kInput) + window.InputOffset(batch, 0, 0),
                             context.Scratch<int8_t>(), bytes,
                             context.Output<int8_t>(0) + window.OutputOffset(batch, 0, 0))) {
        return false;
      }
    }
    return true;
  }
  return false;
}

void InvokeTogether(const InvokeContext& context, const DepthwiseConv2DData& data,
                    const Scaling& scaling) {
  const Window& window = data.window;
  const int8_t* const input = context.Input<int8_t>(kInput);
  const int8_t* const weights = context.Input<int8_t>(kWeights);
  int8_t* output = context.Output<int8_t>(0);
  const bool in_place = input == output;
  int8_t* const scratch = context.Scratch<int8_t>();
  const int8_t** const taps = reinterpret_cast<const int8_t**>(scratch);
  int32_t* const layout = reinterpret_cast<int32_t*>(scratch + TapBytes(data.shape));
  int8_t* const outside =
      reinterpret_cast<int8_t*>(layout) + DepthwiseBytes(data.shape.channels, data.shape.taps);
  std::memset(outside, -data.shape.input_offset, static_cast<std::size_t>(data.shape.channels));
  LayDepthwise(data.shape, scaling, weights, layout);
  for (int32_t batch = 0; batch < window.batches; ++batch) {
    TappedImage image(window, input + window.InputOffset(batch, 0, 0), outside,
                      outside + data.shape.channels);
    const int32_t slides = image.Slides();
    for (int32_t y = 0; y < window.output_height; ++y) {
      if (in_place) {
        image.Keep(y);
      }
      int32_t last_x = (window.kernel_width - 1) * window.dilation_width - window.pad_width;
      for (int32_t x = 0; x < window.output_width; ++x, output += data.shape.channels) {
        if (x == 0 || slides == 0) {
          image.PointAtTaps(y, x, taps);
        }
        for (int32_t i = 0; x != 0 && i < slides; ++i) {
          image.SlideTaps(last_x += window.dilation_width, taps);
        }
        DepthwisePixel(data.shape, scaling, weights, layout, taps, output);
      }
    }
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<DepthwiseConv2DData>();
  const Scaling scaling = ReadScaling(context, data.scaling, kBias);
  if (data.multiplier == 1) {
    if constexpr (kHasDepthwiseOverTime) {
      if (IsOverTime(data.window) && InvokeOverTime(context, data, scaling)) {
        return;
      }
    }
    InvokeTogether(context, data, scaling);
  } else {
    InvokeTapByTap(context, data, scaling);
  }
}

}  // namespace

extern const Operator kOperatorDepthwiseConv2D = {4, "DEPTHWISE_CONV_2D", Prepare, Invoke};

}  // namespace stapes

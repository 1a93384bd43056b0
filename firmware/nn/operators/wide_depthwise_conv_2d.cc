// SPDX-License-Identifier: Apache-2.0
// DEPTHWISE_CONV_2D with int16 activations and int8 weights; int8 ones as depthwise_conv_2d.cc.
// Source: TensorFlow Lite's reference kernel, which has 64-bit sums alone.
#include "nn/operators/operators.h"
#include "nn/operators/support/wide_scaling.h"
#include "nn/operators/support/window.h"

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
  kActivation,
  kDilationWidth,
  kDilationHeight
};

struct WideDepthwiseData {
  Window window;
  WideChannelScaling scaling;
  int32_t multiplier;  // output channels per input channel
};

const char* CheckShapes(const FlatTable& options, const WeighedTensors& tensors,
                        WideDepthwiseData* data) {
  const Shape& weights = tensors.weights.shape;
  Window& window = data->window;
  if (weights.Dim(0) != 1) {
    return Why("expected weights of shape 1, h, w, c");
  }
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
  const int32_t channels = weights.Dim(kChannelDimension);
  data->multiplier = channels / window.input_channels;
  if (data->multiplier == 0 || options.Get<int32_t>(kDepthMultiplier, 0) != data->multiplier ||
      data->multiplier * window.input_channels != channels || window.output_channels != channels) {
    return Why("channels of input, weights and output do not fit the depth multiplier");
  }
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  if (const char* reason = CheckWideTensors(context, tensors, 4, kChannelDimension)) {
    return reason;
  }
  if (context.Input(kBias).type == TensorType::kInt32) {
    return Why("expected an int64 bias");
  }
  auto* const data = context.AllocateData<WideDepthwiseData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  if (const char* reason = CheckShapes(context.options(), tensors, data)) {
    return reason;
  }
  return PrepareWideScaling(context, tensors, {kActivation, kNoBiasType}, &data->scaling);
}

uint64_t Sum(const Window& window, const Seen& seen, const int16_t* channel,
             const int8_t* weights) {
  uint64_t sum = 0;
  for (int32_t row = seen.rows.first; row < seen.rows.last; ++row) {
    for (int32_t tap = seen.taps.first; tap < seen.taps.last; ++tap) {
      const int16_t value = channel[window.InputOffset(0, seen.top + row * window.dilation_height,
                                                       seen.left + tap * window.dilation_width)];
      sum += Product(value, weights[(row * window.kernel_width + tap) * window.output_channels]);
    }
  }
  return sum;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<WideDepthwiseData>();
  const Window& window = data.window;
  const WideScaling scaling(context, data.scaling, kBias);
  int16_t* output = context.Output<int16_t>(0);
  ForEachPlace(window, [&](int32_t batch, int32_t y, int32_t x) {
    const Seen seen = Look(window, y, x);
    const int16_t* const image = context.Input<int16_t>(kInput) + window.InputOffset(batch, 0, 0);
    const int8_t* const weights = context.Input<int8_t>(kWeights);
    for (int32_t c = 0; c < window.output_channels; ++c) {
      *output++ = scaling(c, Sum(window, seen, image + c / data.multiplier, weights + c));
    }
  });
}

using WideDepthwiseConv2D = Wide<kOperatorDepthwiseConv2D, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideDepthwiseConv2D = {
    4, "DEPTHWISE_CONV_2D", WideDepthwiseConv2D::Prepare, WideDepthwiseConv2D::Invoke};

}  // namespace stapes

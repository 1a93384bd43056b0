// The last step of convolutions and FULLY_CONNECTED: bias, scaling per channel, zero point, bounds.
#pragma once

#include <cstdint>

#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/quantization.h"

namespace stapes {

struct ChannelScaling {
  uint32_t significands;  // position of one int32 Q0.31, or one per channel
  uint32_t shifts;        // position of one int8, or one per channel
  int32_t channel_step;   // 1 with a scale per channel, else 0
  int32_t output_offset;
  int32_t low;
  int32_t high;
};

// How a multiplier of a single scale for all channels rounds upstream.
enum class SingleScale { kProductInFloat, kProductInDouble };

// Returns nullptr or a reason. `weights` has passed IsSymmetricWeights.
const char* PrepareChannelScaling(PrepareContext& context, const Tensor& input,
                                  const Tensor& weights, const Tensor& output,
                                  Activation activation, SingleScale single_scale,
                                  ChannelScaling* scaling);

// Ready to use; lives for one invoke.
struct ChannelScaler {
  ChannelScaler(const InvokeContext& context, const ChannelScaling& scaling_, int bias_input)
      : scaling(scaling_),
        bias(context.Input<int32_t>(bias_input)),
        significands(context.Persistent<int32_t>(scaling_.significands)),
        shifts(context.Persistent<int8_t>(scaling_.shifts)) {}

  int8_t operator()(int32_t channel, int32_t sum) const {
    const int32_t index = channel * scaling.channel_step;
    if (bias != nullptr) sum = WrappingAdd(sum, bias[channel]);
    const int32_t scaled = Requantize(sum, significands[index], shifts[index]);
    return static_cast<int8_t>(
        Clamp(WrappingAdd(scaled, scaling.output_offset), scaling.low, scaling.high));
  }

  const ChannelScaling& scaling;
  const int32_t* bias;  // nullptr for none
  const int32_t* significands;
  const int8_t* shifts;
};

}  // namespace stapes

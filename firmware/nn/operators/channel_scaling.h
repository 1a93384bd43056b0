// The last step of convolutions and FULLY_CONNECTED: bias, scaling per channel, zero point, bounds.
#pragma once

#include <cstdint>

#include "nn/kernels/scaling.h"
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
  bool fast;  // CanScaleFast
};

// How a multiplier of a single scale for all channels rounds upstream.
enum class SingleScale { kProductInFloat, kProductInDouble };

// Returns nullptr or a reason. `weights` has passed IsSymmetricWeights.
const char* PrepareChannelScaling(PrepareContext& context, const Tensor& input,
                                  const Tensor& weights, const Tensor& output,
                                  Activation activation, SingleScale single_scale,
                                  ChannelScaling* scaling);

// Ready to use for one invoke.
Scaling ReadScaling(const InvokeContext& context, const ChannelScaling& scaling, int bias_input);

}  // namespace stapes

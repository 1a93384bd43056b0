// SPDX-License-Identifier: Apache-2.0
// What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED have in common: their tensors, and the last
// step: bias, scaling per channel, zero point, bounds.
#pragma once

#include <cstdint>

#include "nn/kernels/scaling.h"
#include "nn/operator.h"
#include "nn/quantization.h"

namespace stapes {

// Inputs 0, 1 and output 0; input 2 is the bias.
struct WeighedTensors {
  Tensor input;
  Tensor weights;
  Tensor output;
};

WeighedTensors ReadWeighedTensors(const PrepareContext& context);

// Checks all types, the bias' size, and that weights of `rank` dimensions are symmetric with one
// scale, or one per slice of `channel_dimension`. Returns nullptr or a reason.
const char* CheckWeighedTensors(const PrepareContext& context, const WeighedTensors& tensors,
                                int32_t rank, int32_t channel_dimension);

struct ChannelScaling {
  uint32_t significands;  // position of one int32 Q0.31, or one per channel
  uint32_t shifts;        // position of one int8, or one per channel
  int32_t channel_step;   // 1 with a scale per channel, else 0
  int32_t output_offset;
  int32_t low;
  int32_t high;
  bool fast;  // CanScaleFast
};

// Returns nullptr or a reason. `activation_field`: of the operator's options.
const char* PrepareChannelScaling(PrepareContext& context, const WeighedTensors& tensors,
                                  int activation_field, ChannelScaling* scaling);

// Ready to use for one invoke.
Scaling ReadScaling(const InvokeContext& context, const ChannelScaling& scaling, int bias_input);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// How 32-bit sums become int8 outputs, channel by channel: bias, multiplier, zero point, bounds.
#pragma once

#include <cstdint>

#include "nn/kernels/down_scale.h"
#include "nn/kernels/requantize.h"

namespace stapes {

struct Scaling {
  const int32_t* bias;          // one per channel, nullptr for none
  const int32_t* significands;  // Q0.31, one per channel, or one for all
  const int8_t* shifts;         // powers of two beside them
  int32_t channel_step;         // 1 with one multiplier per channel, 0 with one for all
  int32_t output_offset;
  int32_t low;  // bounds of the output
  int32_t high;
  bool fast;  // CanScaleFast

  int32_t Bias(int32_t channel) const { return bias == nullptr ? 0 : bias[channel]; }
  int32_t Significand(int32_t channel) const { return significands[channel * channel_step]; }
  int32_t Shift(int32_t channel) const { return shifts[channel * channel_step]; }

  DownScale Down(int32_t channel) const {
    return DownScale::Of(Significand(channel), Shift(channel));
  }

  // Leaves the first `count` channels behind.
  void Skip(int32_t count) {
    if (bias != nullptr) {
      bias += count;
    }
    significands += count * channel_step;
    shifts += count * channel_step;
  }

  // The channels from `channel` on.
  Scaling From(int32_t channel) const {
    Scaling rest = *this;
    rest.Skip(channel);
    return rest;
  }

  // One output from a sum without bias.
  int8_t operator()(int32_t channel, int32_t sum) const {
    if (kHasDownScale && fast) {
      const int32_t scaled = Down(channel)(WrappingAdd(sum, Bias(channel)), output_offset);
      return static_cast<int8_t>(Clamp(scaled, low, high));
    }
    const int32_t scaled =
        RequantizeAny(WrappingAdd(sum, Bias(channel)), Significand(channel), Shift(channel));
    return static_cast<int8_t>(Clamp(WrappingAdd(scaled, output_offset), low, high));
  }

  // Outputs of the first `count` channels from sums without bias.
  void Block(const int32_t* sums, int32_t count, int8_t* outputs) const;
};

// Whether DownScale takes the multipliers of all channels: what the specialised kernels ask for.
inline bool CanScaleFast(const int8_t* shifts, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    if (!ScalesDown(shifts[i])) {
      return false;
    }
  }
  return true;
}

// Brings `count` outputs into the bounds, for kernels that only saturate.
void ClampOutputs(const Scaling& scaling, int8_t* output, int32_t count);

}  // namespace stapes

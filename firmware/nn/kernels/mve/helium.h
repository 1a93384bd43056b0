// SPDX-License-Identifier: Apache-2.0
// Scaling of sums with Helium, the vector extension of Armv8.1-M.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "nn/real.h"

namespace stapes {
namespace helium {

// Multipliers of four channels, shifts 0 to -31.
struct Scales {
  int32x4_t significands;  // Q0.31
  int32x4_t shifts;
};

// The sums as Requantize scales them: VQRDMULH is MultiplyHighQ31; VRSHL rounds ties upwards, which
// for a number that is one less if negative are ties away from zero.
[[gnu::always_inline]] inline int32x4_t Requantize(int32x4_t sums, const Scales& scales) {
  const int32x4_t high = vqrdmulhq_s32(sums, scales.significands);
  const int32x4_t less = vshrq_n_s32(vandq_s32(high, scales.shifts), 31);
  return vrshlq_s32(vqaddq_s32(high, less), scales.shifts);
}

// The same for any shifts.
[[gnu::always_inline]] inline int32x4_t RequantizeAny(int32x4_t sums, const Scales& scales) {
  const int32x4_t zero = vdupq_n_s32(0);
  const Scales right = {scales.significands, vminq_s32(scales.shifts, zero)};
  return Requantize(vshlq_s32(sums, vmaxq_s32(scales.shifts, zero)), right);
}

// Scales `count` sums in place and brings them into the bounds.
inline void ScaleInPlace(Multiplier multiplier, int32_t low, int32_t high, int32_t* sums,
                         int32_t count) {
  const Scales scales = {vdupq_n_s32(multiplier.value), vdupq_n_s32(multiplier.shift)};
  for (int32_t i = 0; i < count; i += 4) {
    const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(count - i));
    const int32x4_t scaled = RequantizeAny(vldrwq_z_s32(sums + i, inside), scales);
    const int32x4_t bounded = vminq_s32(vmaxq_s32(scaled, vdupq_n_s32(low)), vdupq_n_s32(high));
    vstrwq_p_s32(sums + i, bounded, inside);
  }
}

}  // namespace helium
}  // namespace stapes

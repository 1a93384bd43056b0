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

// Scales `count` sums in place and brings them into the bounds.
void ScaleInPlace(Multiplier multiplier, int32_t low, int32_t high, int32_t* sums, int32_t count);

}  // namespace helium
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Integer square root by table.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/interpolation.h"

namespace stapes {

// sqrt(i / 256) in Q16 for i = 64 to 256: normalised numbers start with 01 or 1.
constexpr uint32_t kSquareRootFirst = 64;
extern const Table16<256 - kSquareRootFirst + 1> kSquareRootTable;

// The square root of an integer below 2^63: relative error below 2^-15 plus one unit.
inline uint32_t SquareRoot(uint64_t value) {
  if (value == 0) {
    return 0;
  }
  const Normalized normal = Normalize<true>(value);
  // sqrt(mantissa 2^(32 - zeros)) = sqrt(mantissa / 2^32) 2^(32 - zeros / 2).
  return Interpolate<kSquareRootFirst>(kSquareRootTable.values, normal.mantissa) >>
         (normal.zeros / 2);
}

}  // namespace stapes

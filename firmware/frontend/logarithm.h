// SPDX-License-Identifier: Apache-2.0
// Logarithms by table.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/interpolation.h"

namespace stapes {

// log2(i / 128) in Q16 for i = 128 to 256: normalised numbers start with a one.
constexpr uint32_t kLogFirst = 128;
extern const Table16<256 - kLogFirst + 1> kLogTable;

constexpr int32_t kLn2Q31 = 1488522236;

// log2(value * 2^-scale_bits) in Q17, for value > 0; absolute error below 2^-15.
inline int32_t BinaryLog(uint64_t value, int scale_bits) {
  const Normalized normal = Normalize<false>(value);
  const uint32_t fraction = Interpolate<kLogFirst>(kLogTable.values, normal.mantissa) >> 15;  // Q17
  const int32_t exponent = (63 - scale_bits) - normal.zeros;
  return exponent * (1 << 17) + static_cast<int32_t>(fraction);
}

// ln(value * 2^-scale_bits) in Q16, for value > 0; absolute error below 2^-15.
inline int32_t NaturalLog(uint64_t value, int scale_bits) {
  return MulHigh(BinaryLog(value, scale_bits), kLn2Q31);
}

}  // namespace stapes

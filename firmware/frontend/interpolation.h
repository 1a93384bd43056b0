// SPDX-License-Identifier: Apache-2.0
// Linear interpolation in tables that the compiler computes.
#pragma once

#include <cstdint>

namespace stapes {

// A table of 16-bit numbers as a value, so that constexpr functions can return one.
template <int kSize>
struct Table16 {
  uint16_t values[kSize];
};

// table[i] + (table[i + 1] - table[i]) * fraction, where the upper 8 bits of `position` are i
// (counted from kFirst) and the 16 bits below are the fraction; 16 fractional bits more than the
// table. The table does not decrease.
template <uint32_t kFirst>
inline uint32_t Interpolate(const uint16_t* table, uint32_t position) {
  const uint16_t* entry = table + ((position - (kFirst << 24)) >> 24);
  const uint32_t base = entry[0];
  const uint32_t step = entry[1] - base;
  return (base << 16) + step * ((position >> 8) & 0xFFFFu);
}

}  // namespace stapes

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
template <int kFirst>
inline uint32_t Interpolate(const uint16_t* table, uint32_t position) {
  const uint16_t* entry = table + (position >> 24) - kFirst;
  const uint32_t step = static_cast<uint32_t>(entry[1] - entry[0]);
  return (uint32_t{entry[0]} << 16) + step * ((position >> 8) & 0xFFFFu);
}

}  // namespace stapes

// Dot products in plain C++, the reference for every other version.
#pragma once

#include <cstdint>

namespace stapes {

inline void WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  for (int32_t i = 0; i < count; ++i) wide[i] = static_cast<int16_t>(values[i] + offset);
}

// Unsigned accumulators wrap without undefined behaviour; the products fit 32 bits.
inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) sum += static_cast<uint32_t>(wide[i] * weights[i]);
  return static_cast<int32_t>(sum);
}

#if !STAPES_KERNELS_MVE
inline void DotRowBlock(const int16_t* wide, const int8_t* weights, int32_t rows, int32_t stride,
                        int32_t count, int32_t* sums) {
  for (int32_t row = 0; row < rows; ++row) {
    sums[row] = DotWideS8(wide, weights + row * stride, count);
  }
}
#endif

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Dot products in plain C++, the reference for every other version.
#pragma once

#include <cstdint>

namespace stapes {

#if !STAPES_KERNELS_THUMB
inline WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  for (int32_t i = 0; i < count; ++i) {
    wide[i] = static_cast<int16_t>(values[i] + offset);
  }
  return {wide, count, 1};
}
#endif

// Unsigned accumulators wrap without undefined behaviour; the products fit 32 bits.
inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) {
    sum += static_cast<uint32_t>(wide[i] * weights[i]);
  }
  return static_cast<int32_t>(sum);
}

#if STAPES_KERNELS_PLAIN
inline void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                        int32_t* sums) {
  const int16_t* const values = wide.values;
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4, weights += 4 * stride) {
    const int8_t* const rows4[4] = {weights, weights + stride, weights + 2 * stride,
                                    weights + 3 * stride};
    uint32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (int32_t i = 0; i < wide.count; ++i) {
      sum0 += static_cast<uint32_t>(values[i] * rows4[0][i]);
      sum1 += static_cast<uint32_t>(values[i] * rows4[1][i]);
      sum2 += static_cast<uint32_t>(values[i] * rows4[2][i]);
      sum3 += static_cast<uint32_t>(values[i] * rows4[3][i]);
    }
    sums[row] = static_cast<int32_t>(sum0);
    sums[row + 1] = static_cast<int32_t>(sum1);
    sums[row + 2] = static_cast<int32_t>(sum2);
    sums[row + 3] = static_cast<int32_t>(sum3);
  }
  for (; row < rows; ++row, weights += stride) {
    sums[row] = DotWideS8(values, weights, wide.count);
  }
}
#endif

}  // namespace stapes

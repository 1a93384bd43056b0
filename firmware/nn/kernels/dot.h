// Dot products, the inner loops of the dense kernels. Plain C++ here; dot_dsp.h holds the same
// functions for Arm cores with the DSP extension, bit for bit equal.
//
// int8 inputs are widened once to int16 with their zero point taken off, and then met by many rows
// of int8 weights. The order of the widened values belongs to the platform: only the functions
// below may read them. Sums wrap like two's complement.
#pragma once

#include <cstdint>

namespace stapes {

// wide[i] = values[i] + offset; offset -128 to 128. Takes WideBytes(count) bytes, 4-byte aligned.
inline void WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide);

constexpr int32_t WideBytes(int32_t count) { return (2 * count + 3) & ~3; }

// Sum of wide[i] * weights[i].
inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count);

// Four rows of weights, `stride` bytes apart, against the same values.
inline void DotWideS8x4(const int16_t* wide, const int8_t* weights, int32_t stride, int32_t count,
                 int32_t sums[4]);

// Sum of a[i] * b[i], both in natural order.
inline int32_t DotS16(const int16_t* a, const int16_t* b, int32_t count);

}  // namespace stapes

#if defined(__ARM_FEATURE_DSP)
#include "nn/kernels/dot_dsp.h"
#else
#include "nn/kernels/dot_plain.h"
#endif

namespace stapes {

// Every row of a matrix of weights against the same values: calls `take(row, sum)` in order. Rows
// lie `stride` bytes apart.
template <typename Take>
inline void DotRowsS8(const int16_t* wide, const int8_t* weights, int32_t rows, int32_t stride,
                      int32_t count, Take take) {
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    int32_t sums[4];
    DotWideS8x4(wide, weights + row * stride, stride, count, sums);
    for (int i = 0; i < 4; ++i) take(row + i, sums[i]);
  }
  for (; row < rows; ++row) take(row, DotWideS8(wide, weights + row * stride, count));
}

}  // namespace stapes

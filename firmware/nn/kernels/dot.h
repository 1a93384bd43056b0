// SPDX-License-Identifier: Apache-2.0
// Dot products, the inner loops of the dense kernels. Plain C++ here; dot_dsp.h holds the same
// functions for Arm cores with the DSP extension, bit for bit equal.
//
// int8 inputs are widened once to int16 with their zero point taken off, and then met by many rows
// of int8 weights. The order of the widened values belongs to the platform: only the functions
// below may read them. Sums wrap like two's complement.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"

namespace stapes {

// wide[i] = values[i] + offset; offset -128 to 128. Takes WideBytes(count) bytes, 4-byte aligned.
void WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide);

constexpr int32_t WideBytes(int32_t count) { return (2 * count + 3) & ~3; }

// Sum of wide[i] * weights[i].
inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count);

// sums[row] for `rows` rows of weights, `stride` bytes apart, against the same values.
void DotRowBlock(const int16_t* wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t count, int32_t* sums);

}  // namespace stapes

#if STAPES_KERNELS_DSP
#include "nn/kernels/dsp/dot.h"
#else
#include "nn/kernels/plain/dot.h"  // with a DotRowBlock of their own for Helium and x86
#endif

namespace stapes {

// Every row of a matrix of weights against the same values: calls `take(row, sums, rows)` for
// blocks of rows in order; it may overwrite the sums. Rows lie `stride` bytes apart.
template <typename Take>
inline void DotBlocksS8(const int16_t* wide, const int8_t* weights, int32_t rows, int32_t stride,
                        int32_t count, Take take) {
  constexpr int32_t kBlock = 16;
  int32_t sums[kBlock];
  for (int32_t row = 0; row < rows; row += kBlock) {
    const int32_t block = rows - row < kBlock ? rows - row : kBlock;
    DotRowBlock(wide, weights + row * stride, block, stride, count, sums);
    take(row, sums, block);
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Dot products, the inner loops of the dense kernels, in plain C++ and for several processors, bit
// for bit equal.
//
// int8 inputs are widened once to int16 with their zero point taken off, and then multiplied with
// many rows of int8 weights. The form of the widened values belongs to the platform: only the
// functions below may read them. Sums wrap like two's complement.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"

namespace stapes {

// What Thumb kernels keep in the memory for the values; others keep the values.
enum class WideForm : uint8_t {
  kValues,
  kList,   // of the values that are not 0, with their places: `count` of them
  kPairs,  // small values, two to a word: `count` times four
};

struct WideVector {
  const int16_t* values;
  int32_t count;
  int32_t sign;  // -1 where the platform keeps the values negated
  WideForm form = WideForm::kValues;
};

// values[i] + offset in `wide` of WideBytes(count) bytes, 4-byte aligned; offset -128 to 128.
WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide);

// The same for DotRowBlock alone, in any form.
#if STAPES_KERNELS_THUMB
WideVector WidenForRows(const int8_t* values, int32_t count, int32_t offset, int16_t* wide);
#else
inline WideVector WidenForRows(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  return WidenS8(values, count, offset, wide);
}
#endif

constexpr int32_t WideBytes(int32_t count) { return (2 * count + 3) & ~3; }

// sums[row] for `rows` rows of weights, `stride` bytes apart, against the same values.
void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums);

}  // namespace stapes

#if STAPES_KERNELS_DSP
#include "nn/kernels/dsp/dot.h"
#elif !STAPES_KERNELS_MVE
#include "nn/kernels/plain/dot.h"  // some platforms have their own DotRowBlock
#endif

namespace stapes {

// Every row of a matrix of weights against the same values: calls `take(row, sums, rows)` for
// blocks of rows in order; it may overwrite the sums. Rows lie `stride` bytes apart.
template <typename Take>
inline void DotBlocksS8(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                        Take take) {
  constexpr int32_t kBlock = STAPES_KERNELS_MVE ? 128 : 96;
  int32_t sums[kBlock];
  for (int32_t row = 0; row < rows; row += kBlock) {
    const int32_t block = rows - row < kBlock ? rows - row : kBlock;
    DotRowBlock(wide, weights + row * stride, block, stride, sums);
    take(row, sums, block);
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Dot products with WebAssembly's 128-bit vectors, eight values at a time.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_WASM

#include <wasm_simd128.h>

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

constexpr int32_t kLanes = 8;

v128_t AddPairs(v128_t a, v128_t b) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}

// Sums of four rows against the first multiple of eight values.
v128_t DotFourRows(const int16_t* wide, const int8_t* weights, int32_t stride, int32_t count) {
  v128_t sums[4] = {};
  for (int32_t i = 0; i + kLanes <= count; i += kLanes) {
    const v128_t values = wasm_v128_load(wide + i);
    for (int32_t row = 0; row < 4; ++row) {
      const v128_t factors = wasm_i16x8_load8x8(weights + row * stride + i);
      sums[row] = wasm_i32x4_add(sums[row], wasm_i32x4_dot_i16x8(values, factors));
    }
  }
  return AddPairs(AddPairs(sums[0], sums[1]), AddPairs(sums[2], sums[3]));
}

}  // namespace

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  const int16_t* const values = wide.values;
  const int32_t rest = wide.count & ~(kLanes - 1);  // values from here on are left
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4, weights += 4 * stride) {
    wasm_v128_store(sums + row, DotFourRows(values, weights, stride, wide.count));
    for (int32_t i = rest; i < wide.count; ++i) {
      for (int32_t k = 0; k < 4; ++k) {
        sums[row + k] = WrappingAdd(sums[row + k], values[i] * weights[k * stride + i]);
      }
    }
  }
  for (; row < rows; ++row, weights += stride) {
    sums[row] = DotWideS8(values, weights, wide.count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_WASM

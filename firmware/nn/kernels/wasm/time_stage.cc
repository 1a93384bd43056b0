// SPDX-License-Identifier: Apache-2.0
// WebAssembly's 128-bit vectors: values move and are weighed in the same pass, eight at a time.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_WASM

#include <wasm_simd128.h>

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

uint32_t SumLanes(v128_t sums) {
  sums = wasm_i32x4_add(sums, wasm_i32x4_shuffle(sums, sums, 2, 3, 0, 1));
  sums = wasm_i32x4_add(sums, wasm_i32x4_shuffle(sums, sums, 1, 0, 3, 2));
  return static_cast<uint32_t>(wasm_i32x4_extract_lane(sums, 0));
}

int32_t PushAndDot(const int16_t* weights, int16_t* values, int32_t memory, int32_t newest) {
  const int32_t moved = memory - 1;
  v128_t sums = wasm_i32x4_splat(0);
  int32_t i = 0;
  for (; i + 8 <= moved; i += 8) {
    const v128_t next = wasm_v128_load(values + i + 1);
    wasm_v128_store(values + i, next);
    sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(next, wasm_v128_load(weights + i)));
  }
  if (i + 4 <= moved) {
    const v128_t next = wasm_v128_load64_zero(values + i + 1);
    wasm_v128_store64_lane(values + i, next, 0);
    sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(next, wasm_v128_load64_zero(weights + i)));
    i += 4;
  }
  uint32_t sum = SumLanes(sums);
  for (; i < moved; ++i) {
    values[i] = values[i + 1];
    sum += static_cast<uint32_t>(weights[i] * values[i]);
  }
  values[moved] = static_cast<int16_t>(newest);
  return static_cast<int32_t>(sum + static_cast<uint32_t>(weights[moved] * newest));
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  const int32_t memory = filters.memory;
  for (int32_t i = 0; i < count; ++i, weights += memory, state += memory) {
    const int32_t newest = Clamp(Requantize(sums[i], filters.feature), INT16_MIN, INT16_MAX);
    sums[i] = PushAndDot(weights, state, memory, newest);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_WASM

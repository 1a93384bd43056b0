// SPDX-License-Identifier: Apache-2.0
// SSE2, which every x86-64 has: values move and are weighed in the same pass, eight at a time.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_X86

#include <emmintrin.h>

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

// PMADDWD wraps like two's complement, as the plain loop does.
int32_t SumLanes(__m128i sums) {
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sums);
}

int32_t PushAndDot(const int16_t* weights, int16_t* values, int32_t memory, int32_t newest) {
  const int32_t moved = memory - 1;
  __m128i sums = _mm_setzero_si128();
  int32_t i = 0;
  for (; i + 8 <= moved; i += 8) {
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + i + 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + i), next);
    const __m128i factors = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + i));
    sums = _mm_add_epi32(sums, _mm_madd_epi16(next, factors));
  }
  if (i + 4 <= moved) {
    const __m128i next = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(values + i + 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(values + i), next);
    const __m128i factors = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weights + i));
    sums = _mm_add_epi32(sums, _mm_madd_epi16(next, factors));
    i += 4;
  }
  uint32_t sum = static_cast<uint32_t>(SumLanes(sums));
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

#endif

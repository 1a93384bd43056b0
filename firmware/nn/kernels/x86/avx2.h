// SPDX-License-Identifier: Apache-2.0
// What the AVX2 kernels have in common. Functions here are compiled for AVX2 whatever the flags:
// only call them where HasAvx2().
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#define STAPES_AVX2 __attribute__((target("avx2")))

namespace stapes {
namespace avx2 {

inline bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

constexpr int32_t kLanes = 8;  // 32-bit numbers in a vector

STAPES_AVX2 inline __m256i Load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// Multipliers of eight channels, shifts 0 to -31.
struct Scales {
  __m256i significands;  // Q0.31
  __m256i right;         // minus the shifts
};

// The eight sums as Requantize scales them.
STAPES_AVX2 inline __m256i Requantize(__m256i sums, const Scales& scales) {
  const __m256i half = _mm256_set1_epi64x(int64_t{1} << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(sums, scales.significands), half);
  const __m256i odd = _mm256_add_epi64(
      _mm256_mul_epi32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(scales.significands, 32)),
      half);
  const __m256i high =
      _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
  // To nearest, ties away from zero, as RoundingShiftRight.
  const __m256i ones = _mm256_set1_epi32(-1);
  const __m256i mask = _mm256_andnot_si256(_mm256_sllv_epi32(ones, scales.right), ones);
  const __m256i threshold =
      _mm256_sub_epi32(_mm256_srli_epi32(mask, 1), _mm256_srai_epi32(high, 31));
  const __m256i up = _mm256_cmpgt_epi32(_mm256_and_si256(high, mask), threshold);
  return _mm256_sub_epi32(_mm256_srav_epi32(high, scales.right), up);
}

// How scaled sums become outputs.
struct Bounds {
  __m256i offset;  // 32-bit lanes
  __m128i low;     // 8-bit lanes
  __m128i high;
};

STAPES_AVX2 inline Bounds MakeBounds(int32_t offset, int32_t low, int32_t high) {
  return {_mm256_set1_epi32(offset), _mm_set1_epi8(static_cast<int8_t>(low)),
          _mm_set1_epi8(static_cast<int8_t>(high))};
}

// Zero point, saturation, bounds: eight int8 in the lower half.
STAPES_AVX2 inline __m128i Narrow(__m256i scaled, const Bounds& bounds) {
  const __m256i values = _mm256_add_epi32(scaled, bounds.offset);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  const __m128i bytes = _mm_packs_epi16(words, words);
  return _mm_min_epi8(_mm_max_epi8(bytes, bounds.low), bounds.high);
}

STAPES_AVX2 inline void Store(__m128i bytes, int8_t* output, int32_t count) {
  if (count >= kLanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(output), bytes);
    return;
  }
  int8_t copy[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(copy), bytes);
  std::memcpy(output, copy, static_cast<std::size_t>(count));
}

}  // namespace avx2
}  // namespace stapes

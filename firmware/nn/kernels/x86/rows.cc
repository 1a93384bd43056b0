// SPDX-License-Identifier: Apache-2.0
// Dot products with AVX2, sixteen values at a time, where the processor has it.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_X86

#include "nn/kernels/requantize.h"
#include "nn/kernels/x86/avx2.h"

namespace stapes {
namespace {

STAPES_AVX2 __m128i Weights8(const int8_t* from) {
  return _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)));
}

STAPES_AVX2 __m256i Weights16(const int8_t* from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

STAPES_AVX2 __m128i Halves(__m256i sums) {
  return _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

// Sums of four rows against the first multiple of eight values.
STAPES_AVX2 __m128i DotFourRows(const int16_t* wide, const int8_t* weights, int32_t stride,
                                int32_t count) {
  __m256i sums[4] = {};
  int32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i values = avx2::Load(wide + i);
    for (int32_t row = 0; row < 4; ++row) {
      const __m256i products = _mm256_madd_epi16(values, Weights16(weights + row * stride + i));
      sums[row] = _mm256_add_epi32(sums[row], products);
    }
  }
  __m128i halves[4];
  for (int32_t row = 0; row < 4; ++row) {
    halves[row] = Halves(sums[row]);
  }
  if (i + 8 <= count) {
    const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(wide + i));
    for (int32_t row = 0; row < 4; ++row) {
      const __m128i products = _mm_madd_epi16(values, Weights8(weights + row * stride + i));
      halves[row] = _mm_add_epi32(halves[row], products);
    }
  }
  return _mm_hadd_epi32(_mm_hadd_epi32(halves[0], halves[1]), _mm_hadd_epi32(halves[2], halves[3]));
}

// Four rows at a time; returns how many rows they are.
STAPES_AVX2 int32_t DotVectors(const int16_t* wide, const int8_t* weights, int32_t rows,
                               int32_t stride, int32_t count, int32_t* sums) {
  const int32_t rest = count & ~7;  // values from here on are left
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4, weights += 4 * stride) {
    const __m128i four = DotFourRows(wide, weights, stride, count);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(sums + row), four);
    for (int32_t i = rest; i < count; ++i) {
      for (int32_t k = 0; k < 4; ++k) {
        sums[row + k] = WrappingAdd(sums[row + k], wide[i] * weights[k * stride + i]);
      }
    }
  }
  return row;
}

}  // namespace

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  int32_t row = 0;
  if (avx2::HasAvx2()) {
    row = DotVectors(wide.values, weights, rows, stride, wide.count, sums);
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide.values, weights + row * stride, wide.count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_X86

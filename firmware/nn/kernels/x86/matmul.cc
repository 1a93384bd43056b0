// SPDX-License-Identifier: Apache-2.0
// Matrix product for x86-64: AVX2 where the processor has it, else the plain loops. The panel is
// the plain one.
#include "nn/kernels/plain/matmul.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_X86

#include "nn/kernels/x86/avx2.h"

namespace stapes {
namespace {

using avx2::kLanes;

constexpr int32_t kRows = 2 * kLanes;  // of weights, multiplied together
constexpr int32_t kColumns = 4;
constexpr int32_t kStep = 16;        // values of a row that are packed together
constexpr int32_t kMaxDepth = 2048;  // longer rows go through the plain loops

// Sixteen rows of weights: for every pair of values the pairs of all rows side by side, so that
// VPMADDWD with one broadcast pair of inputs advances eight rows.
struct PackedRows {
  alignas(32) int16_t pairs[kRows * kMaxDepth];
  alignas(32) int32_t bias[kRows];
  alignas(32) int32_t significands[kRows];
  alignas(32) int32_t right[kRows];
};

// Rows of eight 32-bit numbers become columns.
STAPES_AVX2 void Transpose(__m256i rows[kLanes]) {
  __m256i t[kLanes], u[kLanes];
  for (int i = 0; i < kLanes; i += 2) {
    t[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < kLanes; i += 4) {
    u[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    u[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    u[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    u[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < kLanes / 2; ++i) {
    rows[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}

STAPES_AVX2 __m256i LoadSixteen(const int8_t* from, int32_t count) {
  if (count >= kStep) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  int8_t copy[kStep] = {};
  std::memcpy(copy, from, static_cast<std::size_t>(count));
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(copy)));
}

// Rows beyond `count` are zeros.
STAPES_AVX2 void PackWeights(const int8_t* weights, int32_t depth, int32_t count,
                             PackedRows* packed) {
  for (int32_t half = 0; half < 2; ++half) {
    for (int32_t i = 0; i < depth; i += kStep) {
      __m256i rows[kLanes];
      for (int32_t r = 0; r < kLanes; ++r) {
        const int32_t row = half * kLanes + r;
        rows[r] = row < count ? LoadSixteen(weights + row * depth + i, depth - i)
                              : _mm256_setzero_si256();
      }
      Transpose(rows);
      for (int32_t pair = 0; pair < kLanes; ++pair) {
        int16_t* const to = packed->pairs + (i / 2 + pair) * 2 * kRows + half * 2 * kLanes;
        _mm256_store_si256(reinterpret_cast<__m256i*>(to), rows[pair]);
      }
    }
  }
}

void PackScaling(const Scaling& scaling, int32_t count, PackedRows* packed) {
  for (int32_t row = 0; row < kRows; ++row) {
    const int32_t channel = row < count ? row : count - 1;
    packed->bias[row] = scaling.Bias(channel);
    packed->significands[row] = scaling.Significand(channel);
    packed->right[row] = -scaling.Shift(channel);
  }
}

// Sixteen rows against four columns.
STAPES_AVX2 void MultiplyTile(const PackedRows& packed, int32_t depth,
                              const int16_t* const columns[kColumns], __m256i sums[2][kColumns]) {
  for (int c = 0; c < kColumns; ++c) {
    sums[0][c] = avx2::Load(packed.bias);
    sums[1][c] = avx2::Load(packed.bias + kLanes);
  }
  for (int32_t i = 0; i < depth; i += 2) {
    const __m256i first = avx2::Load(packed.pairs + i * kRows);
    const __m256i second = avx2::Load(packed.pairs + i * kRows + 2 * kLanes);
    for (int c = 0; c < kColumns; ++c) {
      int32_t pair;
      std::memcpy(&pair, columns[c] + i, sizeof(pair));
      const __m256i both = _mm256_set1_epi32(pair);
      sums[0][c] = _mm256_add_epi32(sums[0][c], _mm256_madd_epi16(both, first));
      sums[1][c] = _mm256_add_epi32(sums[1][c], _mm256_madd_epi16(both, second));
    }
  }
}

STAPES_AVX2 void MultiplyRows(const PanelShape& shape, const PackedRows& packed,
                              const avx2::Bounds& bounds, const int16_t* panel, int32_t columns,
                              int32_t rows, int8_t* output, int32_t output_stride) {
  const int32_t padded = PaddedDepth(shape.depth);
  for (int32_t column = 0; column < columns; column += kColumns) {
    const int16_t* places[kColumns];
    for (int32_t c = 0; c < kColumns; ++c) {
      places[c] = panel + (column + c < columns ? column + c : columns - 1) * padded;
    }
    __m256i sums[2][kColumns];
    MultiplyTile(packed, shape.depth, places, sums);
    for (int32_t half = 0; half < 2 && half * kLanes < rows; ++half) {
      const avx2::Scales scales = {avx2::Load(packed.significands + half * kLanes),
                                   avx2::Load(packed.right + half * kLanes)};
      for (int32_t c = 0; c < kColumns && column + c < columns; ++c) {
        const __m256i scaled = avx2::Requantize(sums[half][c], scales);
        avx2::Store(avx2::Narrow(scaled, bounds),
                    output + (column + c) * output_stride + half * kLanes, rows - half * kLanes);
      }
    }
  }
}

STAPES_AVX2 void MultiplyAll(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                             int32_t columns, const int8_t* weights, int32_t rows, int8_t* output,
                             int32_t output_stride) {
  PackedRows packed;
  const avx2::Bounds bounds = avx2::MakeBounds(scaling.output_offset, scaling.low, scaling.high);
  for (int32_t row = 0; row < rows; row += kRows) {
    const int32_t count = rows - row < kRows ? rows - row : kRows;
    PackWeights(weights + row * shape.depth, shape.depth, count, &packed);
    PackScaling(scaling.From(row), count, &packed);
    MultiplyRows(shape, packed, bounds, panel, columns, count, output + row, output_stride);
  }
}

}  // namespace

void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel) {
  plain::LayColumn(shape, first, index, panel);
  if (second != first) {
    plain::LayColumn(shape, second, index + 1, panel);
  }
}

void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t*, int8_t* output,
                   int32_t output_stride) {
  if (scaling.fast && shape.depth <= kMaxDepth && avx2::HasAvx2()) {
    MultiplyAll(shape, scaling, panel, columns, weights, rows, output, output_stride);
  } else {
    plain::MultiplyColumns(shape, scaling, panel, columns, weights, rows, output, output_stride);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_X86

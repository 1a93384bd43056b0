// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution for x86-64: AVX2 where the processor has it, eight channels at a time,
// VPMADDWD over pairs of taps; else the plain loops.
//
// Layout of a block of eight channels, a 32-bit number per channel each: pairs of weights for every
// pair of taps, sums to start from (bias, and input offset times weights), significands, shifts.
#include "nn/kernels/plain/depthwise.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_X86

#include "nn/kernels/x86/avx2.h"

namespace stapes {
namespace {

using avx2::kLanes;

bool HasBlocks(const DepthwiseShape& shape, const Scaling& scaling) {
  return scaling.fast && shape.channels % kLanes == 0 && avx2::HasAvx2();
}

int32_t BlockWords(const DepthwiseShape& shape) { return ((shape.taps + 1) / 2 + 3) * kLanes; }

void LayBlock(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
              int32_t channel, int32_t* to) {
  int32_t* const rest = to + (shape.taps + 1) / 2 * kLanes;
  for (int32_t lane = 0; lane < kLanes; ++lane) {
    const int8_t* weight = weights + channel + lane;
    int32_t sum = 0;
    for (int32_t tap = 0; tap < shape.taps; tap += 2, weight += 2 * shape.channels) {
      const int32_t low = weight[0];
      const int32_t high = tap + 1 < shape.taps ? weight[shape.channels] : 0;
      to[tap / 2 * kLanes + lane] =
          static_cast<int32_t>(static_cast<uint32_t>(high) << 16 | static_cast<uint16_t>(low));
      sum += low + high;
    }
    rest[lane] = WrappingAdd(scaling.Bias(channel + lane), shape.input_offset * sum);
    rest[kLanes + lane] = scaling.Significand(channel + lane);
    rest[2 * kLanes + lane] = -scaling.Shift(channel + lane);
  }
}

STAPES_AVX2 __m128i LoadEight(const int8_t* from) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}

STAPES_AVX2 void MultiplyBlocks(const DepthwiseShape& shape, const avx2::Bounds& bounds,
                                const int32_t* layout, const int8_t* const* taps, int8_t* output) {
  const int32_t pairs = (shape.taps + 1) / 2;
  for (int32_t channel = 0; channel < shape.channels; channel += kLanes) {
    __m256i sums = avx2::Load(layout + pairs * kLanes);
    for (int32_t pair = 0; pair < pairs; ++pair) {
      const __m128i bytes = _mm_unpacklo_epi8(LoadEight(taps[2 * pair] + channel),
                                              LoadEight(taps[2 * pair + 1] + channel));
      const __m256i products =
          _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), avx2::Load(layout + pair * kLanes));
      sums = _mm256_add_epi32(sums, products);
    }
    const avx2::Scales scales = {avx2::Load(layout + (pairs + 1) * kLanes),
                                 avx2::Load(layout + (pairs + 2) * kLanes)};
    avx2::Store(avx2::Narrow(avx2::Requantize(sums, scales), bounds), output + channel, kLanes);
    layout += (pairs + 3) * kLanes;
  }
}

STAPES_AVX2 void MultiplyPixel(const DepthwiseShape& shape, const Scaling& scaling,
                               const int32_t* layout, const int8_t* const* taps, int8_t* output) {
  const avx2::Bounds bounds = avx2::MakeBounds(scaling.output_offset, scaling.low, scaling.high);
  MultiplyBlocks(shape, bounds, layout, taps, output);
}

}  // namespace

void LayDepthwise(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t* layout) {
  if (!HasBlocks(shape, scaling)) {
    return;
  }
  for (int32_t channel = 0; channel < shape.channels; channel += kLanes) {
    LayBlock(shape, scaling, weights, channel, layout);
    layout += BlockWords(shape);
  }
}

void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output) {
  if (HasBlocks(shape, scaling)) {
    MultiplyPixel(shape, scaling, layout, taps, output);
  } else {
    plain::SumTaps(shape, scaling, weights, layout, taps, output);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_X86

// SPDX-License-Identifier: Apache-2.0
// Scaling of sums with AVX2, eight at a time, where the processor has it.
#include "nn/kernels/scaling.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_X86

#include "nn/kernels/x86/avx2.h"

namespace stapes {
namespace {

using avx2::kLanes;

// Shifts must lie in -31 to 0.
STAPES_AVX2 avx2::Scales LoadScales(const Scaling& scaling, int32_t channel) {
  const __m128i shifts =
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(scaling.shifts + channel));
  return {avx2::Load(scaling.significands + channel),
          _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_cvtepi8_epi32(shifts))};
}

// Whole vectors of the first `count` channels; returns how many channels they are.
STAPES_AVX2 int32_t ScaleVectors(const Scaling& scaling, const int32_t* sums, int32_t count,
                                 int8_t* outputs) {
  const avx2::Bounds bounds = avx2::MakeBounds(scaling.output_offset, scaling.low, scaling.high);
  avx2::Scales scales = {_mm256_set1_epi32(scaling.significands[0]),
                         _mm256_set1_epi32(-scaling.shifts[0])};
  int32_t channel = 0;
  for (; channel + kLanes <= count; channel += kLanes) {
    __m256i values = avx2::Load(sums + channel);
    if (scaling.bias != nullptr) {
      values = _mm256_add_epi32(values, avx2::Load(scaling.bias + channel));
    }
    if (scaling.channel_step != 0) {
      scales = LoadScales(scaling, channel);
    }
    const __m128i bytes = avx2::Narrow(avx2::Requantize(values, scales), bounds);
    avx2::Store(bytes, outputs + channel, kLanes);
  }
  return channel;
}

}  // namespace

void Scaling::Block(const int32_t* sums, int32_t count, int8_t* outputs) const {
  int32_t channel = 0;
  if (fast && avx2::HasAvx2()) {
    channel = ScaleVectors(*this, sums, count, outputs);
  }
  for (; channel < count; ++channel) {
    outputs[channel] = (*this)(channel, sums[channel]);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_X86

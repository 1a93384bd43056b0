// SPDX-License-Identifier: Apache-2.0
#include "audio/pdm_decimator.h"

namespace stapes {

// scipy.signal.remez(19, [0, 8000, 24000, 32000], [1, 0], fs=64000) in Q15.
constexpr int16_t PdmDecimator::kHalfBandTaps[] = {37, 0, -233, 0, 858, 0, -2554, 0, 10085, 16384};

// scipy.signal.firls(71, ..., fs=32000) in Q15: up to 7 kHz, in steps of 500 Hz, the inverse of the
// two stages before it; from 9 kHz on 0, weighted 20 times as much.
constexpr int16_t PdmDecimator::kLastTaps[] = {
    -1,   3,   4,    -6,   -11,   10, 21,   -15, -38,   22,   63,    -31,
    -98,  41,  147,  -52,  -212,  64, 298,  -76, -412,  88,   562,   -98,
    -765, 105, 1048, -106, -1474, 92, 2201, -34, -3801, -291, 10659, 16956};

static_assert(PdmSinc::kFullScale == 1 << (15 + PdmDecimator::kMaxGainLog2));

std::size_t PdmDecimator::Process(Span<const uint16_t> words, Span<int16_t> samples) {
  static_assert(TapMagnitudes(kHalfBandTaps) < 65535 && TapMagnitudes(kLastTaps) < 65535,
                "no sum of DecimateByTwo overflows");
  std::size_t count = words.size() / kWordsPerSample;
  count = count < samples.size() ? count : samples.size();
  const uint16_t* next = words.data();
  for (std::size_t i = 0; i < count; ++i, next += kWordsPerSample) {
    const int16_t first = HalfBand(next);
    samples[i] = last_.Process(first, HalfBand(next + 2));
  }
  return count;
}

int16_t PdmDecimator::HalfBand(const uint16_t* words) {
  const int16_t first = Saturate16(sinc_.Process(words[0]) >> shift_);
  return half_band_.Process(first, Saturate16(sinc_.Process(words[1]) >> shift_));
}

void PdmDecimator::Reset() {
  sinc_.Reset();
  half_band_.Reset();
  last_.Reset();
}

}  // namespace stapes

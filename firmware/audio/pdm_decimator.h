// SPDX-License-Identifier: Apache-2.0
// From the one-bit stream of a PDM microphone to 16-bit samples, for boards without hardware for
// it.
//
//   1.024 MHz -> sinc^5, / 16 -> half-band, / 2 -> droop compensation and low-pass, / 2 -> 16 kHz
//
// At 16 kHz: flat within 0.05 dB to 7 kHz; what would alias to below 7 kHz is at least 68 dB down.
// A sample takes 705 instructions on a Cortex-M4, 1000 on a Cortex-M0+.
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio/decimate_by_two.h"
#include "audio/pdm_sinc.h"
#include "base/span.h"

namespace stapes {

class PdmDecimator {
 public:
  static constexpr std::size_t kWordsPerSample = 4;  // of 16 bits
  static constexpr int kMaxGainLog2 = 5;
  static constexpr uint32_t kBitsPerSample = 16 * kWordsPerSample;

  // Amplifies by 2^gain_log2, 0 to kMaxGainLog2: at 0 a stream of ones gives 32767. Up to
  // kMaxGainLog2 amplification brings out more bits of the input, not of the rounding.
  explicit constexpr PdmDecimator(int gain_log2) : shift_(kMaxGainLog2 - gain_log2) {}

  // words: 16 bits each, the earliest in the most significant place. Makes one sample of every
  // kWordsPerSample words, as many as both spans allow, and returns how many. What exceeds 16 bits
  // is saturated.
  std::size_t Process(Span<const uint16_t> words, Span<int16_t> samples);
  void Reset();

 private:
  int16_t HalfBand(const uint16_t* words);

  static constexpr std::size_t kHalfBandHalf = 10;
  static constexpr std::size_t kLastHalf = 36;
  static const int16_t kHalfBandTaps[kHalfBandHalf];
  static const int16_t kLastTaps[kLastHalf];

  int shift_;
  PdmSinc sinc_;
  DecimateByTwo<kHalfBandHalf, 2> half_band_{kHalfBandTaps};
  DecimateByTwo<kLastHalf> last_{kLastTaps};
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// A symmetric low-pass filter that keeps every other of its outputs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio/saturate.h"

namespace stapes {

// Sum of the magnitudes of a symmetric filter's taps; `half` holds the taps up to the middle one.
template <std::size_t kHalf>
constexpr int32_t TapMagnitudes(const int16_t (&half)[kHalf]) {
  int32_t sum = 0;
  for (std::size_t i = 0; i < kHalf; ++i) {
    const int32_t magnitude = half[i] < 0 ? -half[i] : half[i];
    sum += i + 1 < kHalf ? 2 * magnitude : magnitude;
  }
  return sum;
}

// kHalf: taps up to the middle one, of 2 kHalf - 1. kStep 2: a half-band filter, whose taps 1, 3, 5
// and so on are 0 up to the middle.
template <std::size_t kHalf, std::size_t kStep = 1>
class DecimateByTwo {
 public:
  static constexpr std::size_t kTaps = 2 * kHalf - 1;

  // Q15; their magnitudes add up to less than 2, so that no sum overflows. Kept by the caller.
  explicit constexpr DecimateByTwo(const int16_t (&half)[kHalf]) : half_(half) {}

  // Takes two samples and gives one, rounded and saturated. Samples may use all 16 bits, on any
  // scale.
  int16_t Process(int16_t first, int16_t second) {
    Push(first);
    Push(second);
    const int16_t* oldest = history_ + next_;
    const int16_t* newest = oldest + kTaps - 1;
    int32_t sum = 1 << 14;
#pragma GCC unroll 5
    for (std::size_t i = 0; i + 1 < kHalf; i += kStep) {
      sum += (oldest[i] + *(newest - i)) * half_[i];
    }
    return Saturate16((sum + oldest[kHalf - 1] * half_[kHalf - 1]) >> 15);
  }

  void Reset() {
    for (int16_t& sample : history_) {
      sample = 0;
    }
  }

 private:
  // Written twice, kTaps apart: the last kTaps samples always lie in one piece.
  void Push(int16_t sample) {
    history_[next_] = sample;
    history_[next_ + kTaps] = sample;
    next_ = next_ + 1 < kTaps ? next_ + 1 : 0;
  }

  const int16_t* half_;
  int16_t history_[2 * kTaps] = {};
  std::size_t next_ = 0;  // where the oldest sample lies
};

}  // namespace stapes

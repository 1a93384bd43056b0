// SPDX-License-Identifier: Apache-2.0
// Takes the constant part out of a microphone's samples: a first-order high-pass filter.
#pragma once

#include <cstdint>

#include "base/span.h"

namespace stapes {

class DcBlocker {
 public:
  // In place, 16-bit samples, saturated. -3 dB at rate / (2 pi 2^kTimeLog2): 10 Hz at 16 kHz.
  void Process(Span<int16_t> samples);
  void Reset() { mean_ = 0; }

  static constexpr int kTimeLog2 = 8;

 private:
  int32_t mean_ = 0;  // Q(kTimeLog2)
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "audio/dc_blocker.h"

#include "audio/saturate.h"

namespace stapes {

void DcBlocker::Process(Span<int16_t> samples) {
  for (int16_t& sample : samples) {
    const int32_t value = sample;
    sample = Saturate16(value - ((mean_ + (1 << (kTimeLog2 - 1))) >> kTimeLog2));
    mean_ += value - (mean_ >> kTimeLog2);
  }
}

}  // namespace stapes

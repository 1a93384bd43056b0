// SPDX-License-Identifier: Apache-2.0
// exp and 1 / (1 + x) of int16, by tables of 512 lines. The compiler fills them, step for step as
// TensorFlow Lite fills those of its int16 kernels at run time.
#pragma once

#include <cstdint>

namespace stapes {

constexpr int32_t kTableLines = 512;

struct WideTable {
  int16_t ends[kTableLines + 1];

  // Between the ends of the line that `value` lies in.
  int32_t At(int32_t value) const {
    const int16_t* const line = ends + 256 + (value >> 7);
    const int32_t slope = line[1] - line[0];
    return static_cast<int16_t>(line[0] + ((slope * (value & 0x7f) + 64) >> 7));
  }
};

// -32768 to 32767 stands for -10 to 0: exp, Q0.15.
extern const WideTable kExpTable;
// -32768 to 32767 stands for x from 0 to 1: 1 / (1 + x), Q0.15.
extern const WideTable kReciprocalTable;

}  // namespace stapes

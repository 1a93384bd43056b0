// SPDX-License-Identifier: Apache-2.0
// Dot products for Arm cores with the DSP extension (Cortex-M4, M7, M33): SXTB16 widens two bytes,
// SMLAD does two multiplications. Included by dot.h only.
//
// SXTB16 takes bytes 0 and 2, or 1 and 3, of a word. Widened values are therefore kept in the order
// 0 2 1 3 within each group of four; a tail of fewer than four keeps its natural order.
#pragma once

#include "nn/kernels/dsp/dsp.h"

namespace stapes {

inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count) {
  int32_t sum = 0;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t word = dsp::LoadWord(weights + i);
    sum = dsp::MultiplyPairs(dsp::LoadWord(wide + i), dsp::WidenEven(word), sum);
    sum = dsp::MultiplyPairs(dsp::LoadWord(wide + i + 2), dsp::WidenOdd(word), sum);
  }
  uint32_t tail = static_cast<uint32_t>(sum);
  for (; i < count; ++i) {
    tail += static_cast<uint32_t>(wide[i] * weights[i]);
  }
  return static_cast<int32_t>(tail);
}

}  // namespace stapes

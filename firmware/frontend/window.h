// SPDX-License-Identifier: Apache-2.0
// Block normalisation and the Hann window.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// How far to shift windowed samples (Q15) right so that they stay within 2^input_bits.
inline int WindowShift(const FrontEndTables& tables, int peak_bits) {
  const int shift = peak_bits + 15 - tables.input_bits;
  return shift > 0 ? shift : 0;
}

// Windows N samples, takes pairs of them as complex numbers, followed by zeros, and lays out what
// the first stage of the FFT makes of them: the input of Fft. `output` takes FFT size / 2 numbers.
// A windowed sample is sample * window in Q15, shifted right by `shift` and rounded to nearest.
void ApplyWindow(const FrontEndTables& tables, const int16_t* samples, int shift,
                 ComplexInt* output);

}  // namespace stapes

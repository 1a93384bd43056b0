// SPDX-License-Identifier: Apache-2.0
// Block normalisation and the Hann window.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// The smallest p with -2^p <= sample < 2^p for all samples, 0 to 15; samples 0 and -1 count as 0.
int PeakBits(const int16_t* samples, uint32_t count);

// How far to shift windowed samples (Q15) right so that they stay within 2^input_bits.
int WindowShift(const FrontEndTables& tables, int peak_bits);

// Windows N samples and lays them out as the input of Fft: pairs of samples are complex numbers,
// in bit-reversed order, followed by zeros. `output` takes FFT size / 2 numbers.
// Each is sample * window in Q15, shifted right by `shift` and rounded to nearest.
void ApplyWindow(const FrontEndTables& tables, const int16_t* samples, int shift,
                 ComplexInt* output);

}  // namespace stapes

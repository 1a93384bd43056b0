// SPDX-License-Identifier: Apache-2.0
// Magnitudes of a real signal's spectrum, out of the half-size complex FFT of its pairs of samples.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// Where a bin's numbers lie: Z[k], Z[size - k], and the cosine and sine of pi k / size in Q31.
struct BinPlace {
  const ComplexInt* low;
  const ComplexInt* high;
  const int32_t* twiddle;
};

// The place of the first bin that the mel channels use. `spectrum` is what Fft made.
inline BinPlace FirstBin(const FrontEndTables& tables, const ComplexInt* spectrum) {
  const uint32_t size = 1u << (tables.fft_log2 - 1);
  return {spectrum + tables.first_bin, spectrum + size - tables.first_bin, tables.bin_twiddles};
}

// |2 X[k]| of `count` bins from k on, 1 or more; `place` moves on behind them.
//   2 X[k] = (Z[k] + conj Z[size - k]) - i exp(-i a) (Z[k] - conj Z[size - k]), a = pi k / size.
// Relative error below 2^-15 plus one unit.
void NextMagnitudes(BinPlace* place, uint32_t count, uint32_t* magnitudes);

}  // namespace stapes

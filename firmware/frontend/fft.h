// SPDX-License-Identifier: Apache-2.0
// Complex FFT in place, radix 4 with decimation in time.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"

namespace stapes {

// Transforms z, 2^size_log2 numbers (3 <= size_log2 <= 11): Z[k] = sum z[n] exp(-2 pi i k n /
// size), not scaled, in natural order. `values` must hold what the first stage of radix 2 makes of
// z: sums z[n] + z[n + size / 2] at the places of n in bit-reversed order, differences behind them.
// With Helium, where the size is a power of 4: what the first two stages make of z.
// `values` holds size + 1 numbers: Z[size], which equals Z[0], is written as well.
//
// The sum of |z[n]| must stay below 2^31 with a margin for rounding (tables.py keeps it so); no
// sum in any stage is larger.
//
// `twiddles`: for each stage with quarter length L (4, 16, ... or 2, 8, 32, ...)
// and each j < L the cosines and sines of a, 2a, 3a with a = 2 pi j / (4 L):
// cos a, sin a, cos 2a, sin 2a, cos 3a, sin 3a, in Q31.
void Fft(int size_log2, const int32_t* twiddles, ComplexInt* values);

}  // namespace stapes

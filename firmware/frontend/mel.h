// SPDX-License-Identifier: Apache-2.0
// Magnitudes of the real spectrum, gathered into mel channels.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// ln(1e-12) in Q16: TensorFlow's floor under every mel channel (mfcc.cc, kFilterbankFloor).
constexpr int32_t kLogFloor = -1810827;

// ln(channel * 2^-channel_bits) in Q16, at least kLogFloor.
int32_t FlooredLog(uint64_t channel, int channel_bits);

// Natural logarithms (Q16) of the mel channels, at least kLogFloor. `spectrum` is what Fft made of
// windowed samples that were shifted right by `window_shift`; `logs` takes channel_count numbers.
void LogMel(const FrontEndTables& tables, const ComplexInt* spectrum, int window_shift,
            int32_t* logs);

}  // namespace stapes

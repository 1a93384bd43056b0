// Magnitudes of the real spectrum, gathered into mel channels.
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// ln(1e-12) in Q16: TensorFlow's floor under every mel channel (mfcc.cc, kFilterbankFloor).
constexpr int32_t kLogFloor = -1810827;

// Natural logarithms (Q16) of the mel channels, at least kLogFloor. `spectrum` is what Fft made of
// windowed samples that were shifted right by `window_shift`; `logs` takes channel_count numbers.
// A channel is the sum of magnitudes under a triangle on the mel scale (mfcc_mel_filterbank.cc).
void LogMel(const FrontEndTables& tables, const ComplexInt* spectrum, int window_shift,
            int32_t* logs);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// DCT-II of the logarithms of the mel channels.
#pragma once

#include <cstdint>

#include "frontend/front_end_tables.h"

namespace stapes {

// Entries in a row of the DCT table: half the channels, as cosines are symmetric, rounded up to a
// multiple of 4.
constexpr uint32_t DctRowLength(uint32_t channel_count) { return (channel_count + 7) / 8 * 4; }

// More numbers than there are channels: rows reach past the folded logarithms, where their entries
// are 0.
constexpr uint32_t DctInputLength(uint32_t channel_count) {
  return (channel_count + 1) / 2 + DctRowLength(channel_count);
}

// features[i] = sqrt(2 / C) sum_j logs[j] cos(pi i (j + 1/2) / C), as mfcc_dct.cc has it; logs in
// Q16, features in Q(feature_bits). `logs` holds DctInputLength(C) numbers and is overwritten;
// `features` takes coefficient_count numbers.
//
// Row i of the table: entry j is the factor of logs[j] for even i; for odd i entry j is that of
// logs[C/2 - 1 - j], as the differences lie in reverse order. Entries without a partner are 0.
void Dct(const FrontEndTables& tables, int32_t* logs, int32_t* features);

}  // namespace stapes

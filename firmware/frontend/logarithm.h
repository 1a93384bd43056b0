// SPDX-License-Identifier: Apache-2.0
// Logarithms by table.
#pragma once

#include <cstdint>

namespace stapes {

// log2(value * 2^-scale_bits) in Q17, for value > 0; absolute error below 2^-15.
int32_t BinaryLog(uint64_t value, int scale_bits);

// ln(value * 2^-scale_bits) in Q16, for value > 0; absolute error below 2^-15.
int32_t NaturalLog(uint64_t value, int scale_bits);

}  // namespace stapes

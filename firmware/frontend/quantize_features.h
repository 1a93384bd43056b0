// SPDX-License-Identifier: Apache-2.0
// Features to the int8 numbers of a model's input tensor.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// output[i] = zero_point + features[i] * multiplier / 2^shift, rounded to nearest (halves up) and
// saturated to -128..127. Features in Q(feature_bits); both spans have the same size.
void QuantizeFeatures(const FrontEndTables& tables, const int32_t* features, Span<int8_t> output);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int8 state: filters that remember their last values.
#pragma once

#include <cstdint>

#include "nn/real.h"

namespace stapes {

struct ByteFilters {
  int32_t memory;      // values that a filter remembers
  int32_t zero_point;  // of the state
  Multiplier feature;  // brings the sums of the feature stage to the state's scale
};

// For each of `count` filters: scales sums[i] to int8 and adds the zero point, moves the filter's
// values one place forward (oldest first) and puts the new one last, then replaces sums[i] by the
// sum of (value - zero point) * weight.
void PushAndWeighBytes(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                       int32_t* sums, int32_t count);

}  // namespace stapes

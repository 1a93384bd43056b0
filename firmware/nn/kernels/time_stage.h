// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int16 state: filters that remember their last values.
#pragma once

#include <cstdint>

#include "nn/real.h"

namespace stapes {

struct TimeFilters {
  int32_t memory;      // values that a filter remembers
  int32_t inputs;      // int8 values that each sum of the feature stage has weighed
  Multiplier feature;  // brings the sums of the feature stage to the state's scale
};

// For each of `count` filters: scales sums[i] to int16, moves the filter's values one place forward
// (oldest first) and puts the new one last, then replaces sums[i] by the sum of values * weights.
void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count);

}  // namespace stapes

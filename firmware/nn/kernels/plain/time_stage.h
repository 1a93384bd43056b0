// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int16 state in plain C++.
#pragma once

#include "nn/kernels/down_scale.h"
#include "nn/kernels/time_stage.h"

namespace stapes::plain {

// Scales the sums to new values of the filters.
inline void ScaleSums(const TimeFilters& filters, int32_t* sums, int32_t count) {
  const Multiplier feature = filters.feature;
  if (kHasDownScale && ScalesDown(feature.shift)) {
    ScaleDownToS16(sums, count, DownScale::Of(feature.value, feature.shift));
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    sums[i] = SaturateS16(RequantizeAny(sums[i], feature.value, feature.shift));
  }
}

// One filter of any memory.
inline int32_t PushAndDot(const int16_t* weights, int16_t* values, int32_t memory, int32_t newest) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < memory; ++i) {
    values[i] = i + 1 < memory ? values[i + 1] : static_cast<int16_t>(newest);
    sum += static_cast<uint32_t>(weights[i] * values[i]);
  }
  return static_cast<int32_t>(sum);
}

// What PushAndWeigh does once the sums are scaled.
inline void PushAndDotAll(const TimeFilters& filters, const int16_t* weights, int16_t* state,
                          int32_t* sums, int32_t count) {
  const int32_t memory = filters.memory;
  for (int32_t i = 0; i < count; ++i) {
    sums[i] = PushAndDot(weights + i * memory, state + i * memory, memory, sums[i]);
  }
}

}  // namespace stapes::plain

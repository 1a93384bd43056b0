// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int8 state in plain C++.
#pragma once

#include "nn/kernels/byte_time_stage.h"
#include "nn/kernels/down_scale.h"
#include "nn/kernels/requantize.h"

namespace stapes::plain {

// Scales the sums to new values of the filters.
inline void ScaleSums(const ByteFilters& filters, int32_t* sums, int32_t count) {
  const Multiplier feature = filters.feature;
  const int32_t zero_point = filters.zero_point;
  if (kHasDownScale && ScalesDown(feature.shift)) {
    const DownScale down = DownScale::Of(feature.value, feature.shift);
    for (int32_t i = 0; i < count; ++i) {
      sums[i] = SaturateS8(down(sums[i], 0)) + zero_point;
    }
  } else {
    for (int32_t i = 0; i < count; ++i) {
      sums[i] = SaturateS8(RequantizeAny(sums[i], feature.value, feature.shift)) + zero_point;
    }
  }
}

// One filter of any memory, at any place. Offset: minus the zero point.
inline int32_t PushAndDot(const int8_t* weights, int8_t* values, int32_t memory, int32_t offset,
                          int8_t newest) {
  int32_t sum = 0;
  for (int32_t i = 0; i < memory; ++i) {
    values[i] = i + 1 < memory ? values[i + 1] : newest;
    sum += weights[i] * (values[i] + offset);
  }
  return sum;
}

// What PushAndWeighBytes does once the sums are scaled.
inline void PushAndDotAll(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                          int32_t* sums, int32_t count) {
  const int32_t memory = filters.memory;
  for (int32_t i = 0; i < count; ++i) {
    sums[i] = PushAndDot(weights + i * memory, state + i * memory, memory, -filters.zero_point,
                         static_cast<int8_t>(sums[i]));
  }
}

}  // namespace stapes::plain

// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_PLAIN

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

int32_t PushAndDot(const int16_t* weights, int16_t* values, int32_t memory, int32_t newest) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < memory; ++i) {
    values[i] = i + 1 < memory ? values[i + 1] : static_cast<int16_t>(newest);
    sum += static_cast<uint32_t>(weights[i] * values[i]);
  }
  return static_cast<int32_t>(sum);
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  const int32_t memory = filters.memory;
  for (int32_t i = 0; i < count; ++i, weights += memory, state += memory) {
    const int32_t newest = Clamp(Requantize(sums[i], filters.feature), INT16_MIN, INT16_MAX);
    sums[i] = PushAndDot(weights, state, memory, newest);
  }
}

}  // namespace stapes

#endif

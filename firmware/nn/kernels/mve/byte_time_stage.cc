// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int8 state, with Helium: sixteen values at a time, loaded from one
// place further on and stored where they go while they are multiplied. The zero point is taken off
// at the end: sum of (value - zero point) * weight = sum of value * weight - zero point * weights.
#include "nn/kernels/byte_time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"
#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

// All values but the newest.
int32_t MoveAndDot(const int8_t* weights, int8_t* values, int32_t count, int32_t zero_point) {
  const int8_t* next = values + 1;
  int32_t sum = 0;
  int32_t all_weights = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[count], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[next]], #16\n"
      "vldrb.8 q1, [%[weights]], #16\n"
      "vstrb.8 q0, [%[values]], #16\n"
      "vmladava.s8 %[sum], q0, q1\n"
      "vaddva.s8 %[all_weights], q1\n"
      "letp lr, 2b\n"
      "1:\n"
      : [next] "+r"(next), [weights] "+r"(weights), [values] "+r"(values), [sum] "+Te"(sum),
        [all_weights] "+Te"(all_weights)
      : [count] "r"(count)
      : "lr", "q0", "q1", "memory");
  return sum - zero_point * all_weights;
}

}  // namespace

void PushAndWeighBytes(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                       int32_t* sums, int32_t count) {
  const int32_t zero_point = filters.zero_point;
  const int32_t last = filters.memory - 1;
  helium::ScaleInPlace(filters.feature, INT8_MIN, INT8_MAX, sums, count);
  for (int32_t i = 0; i < count; ++i, weights += filters.memory, state += filters.memory) {
    const auto newest = static_cast<int8_t>(sums[i] + zero_point);
    const int32_t older = MoveAndDot(weights, state, last, zero_point);
    state[last] = newest;
    sums[i] = older + (newest - zero_point) * weights[last];
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with Helium: eight values at a time, loaded from one place further on and
// stored where they go while they are multiplied.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"
#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

// All values but the newest.
int32_t MoveAndDot(const int16_t* weights, int16_t* values, int32_t count) {
  const int16_t* next = values + 1;
  int32_t sum = 0;
  __asm__ volatile(
      "wlstp.16 lr, %[count], 1f\n"
      "2:\n"
      "vldrh.16 q0, [%[next]], #16\n"
      "vldrh.16 q1, [%[weights]], #16\n"
      "vstrh.16 q0, [%[values]], #16\n"
      "vmladava.s16 %[sum], q0, q1\n"
      "letp lr, 2b\n"
      "1:\n"
      : [next] "+r"(next), [weights] "+r"(weights), [values] "+r"(values), [sum] "+Te"(sum)
      : [count] "r"(count)
      : "lr", "q0", "q1", "memory");
  return sum;
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  const int32_t last = filters.memory - 1;
  helium::ScaleInPlace(filters.feature, INT16_MIN, INT16_MAX, sums, count);
  for (int32_t i = 0; i < count; ++i, weights += filters.memory, state += filters.memory) {
    const int32_t newest = sums[i];
    const int32_t older = MoveAndDot(weights, state, last);
    state[last] = static_cast<int16_t>(newest);
    sums[i] = WrappingAdd(older, newest * weights[last]);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

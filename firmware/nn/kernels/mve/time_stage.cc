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

// clang-format off
#define STAPES_NEXT_EIGHT(newest)         \
  "vldrh.16 q0, [%[state], #2]\n"         \
  "vldrh.16 q1, [%[weights]], #16\n"      \
  newest                                  \
  "vstrh.16 q0, [%[state]], #16\n"
#define STAPES_FIRST_EIGHT STAPES_NEXT_EIGHT("") "vmladav.s16 %[sum], q0, q1\n"
#define STAPES_EIGHT STAPES_NEXT_EIGHT("") "vmladava.s16 %[sum], q0, q1\n"
#define STAPES_LAST_EIGHT STAPES_NEXT_EIGHT("vmov.16 q0[7], %[newest]\n")

// All filters up to `end`: `before` weighs all values but a filter's last eight.
#define STAPES_WEIGH_ALL(before, multiply)                                                        \
  __asm__ volatile(                                                                               \
      "1:\n"                                                                                      \
      "ldr %[newest], [%[sums]]\n"                                                                \
      before                                                                                      \
      STAPES_LAST_EIGHT                                                                           \
      multiply " %[sum], q0, q1\n"                                                                \
      "str %[sum], [%[sums]], #4\n"                                                               \
      "cmp %[sums], %[end]\n"                                                                     \
      "bne 1b\n"                                                                                  \
      : [weights] "+r"(weights), [state] "+r"(state), [sums] "+r"(sums), [newest] "=&r"(newest),  \
        [sum] "=&Te"(sum)                                                                         \
      : [end] "r"(end), [eights] "r"(eights_before_last)                                          \
      : "lr", "q0", "q1", "cc", "memory")

// Filters that remember a multiple of eight values; the lower halves of the sums are the newest
// ones. Reads one value beyond the state, which is not the end of the arena.
void PushAndWeighEights(const int16_t* weights, int16_t* state, int32_t* sums, int32_t count,
                        int32_t memory) {
  const int32_t* const end = sums + count;
  const int32_t eights_before_last = memory / 8 - 1;
  int32_t newest;
  int32_t sum;
  if (eights_before_last == 0) {
    STAPES_WEIGH_ALL("", "vmladav.s16");
  } else if (eights_before_last == 3) {
    STAPES_WEIGH_ALL(STAPES_FIRST_EIGHT STAPES_EIGHT STAPES_EIGHT, "vmladava.s16");
  } else {
    STAPES_WEIGH_ALL("movs %[sum], #0\n"
                     "dls lr, %[eights]\n"
                     "2:\n"
                     STAPES_EIGHT
                     "le lr, 2b\n", "vmladava.s16");
  }
}
// clang-format on

// Filters of any memory; the sums are the newest values.
void PushAndWeighAny(const int16_t* weights, int16_t* state, int32_t* sums, int32_t count,
                     int32_t memory) {
  const int32_t* const end = sums + count;
  int32_t newest;
  int32_t sum;
  const int16_t* weight;
  int16_t* value;
  __asm__ volatile(
      "1:\n"
      "ldr %[newest], [%[sums]]\n"
      "movs %[sum], #0\n"
      "mov %[value], %[state]\n"
      "mov %[weight], %[weights]\n"
      "wlstp.16 lr, %[older], 3f\n"
      "2:\n"
      "vldrh.16 q0, [%[value], #2]\n"
      "vldrh.16 q1, [%[weight]], #16\n"
      "vstrh.16 q0, [%[value]], #16\n"
      "vmladava.s16 %[sum], q0, q1\n"
      "letp lr, 2b\n"
      "3:\n"
      "add %[state], %[bytes]\n"
      "add %[weights], %[bytes]\n"
      "strh %[newest], [%[state], #-2]\n"
      "ldrsh %[weight], [%[weights], #-2]\n"
      "mla %[sum], %[weight], %[newest], %[sum]\n"
      "str %[sum], [%[sums]], #4\n"
      "cmp %[sums], %[end]\n"
      "bne 1b\n"
      : [weights] "+r"(weights), [state] "+r"(state), [sums] "+r"(sums), [newest] "=&r"(newest),
        [sum] "=&Te"(sum), [weight] "=&r"(weight), [value] "=&r"(value)
      : [end] "r"(end), [older] "r"(memory - 1), [bytes] "r"(2 * memory)
      : "lr", "q0", "q1", "cc", "memory");
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  helium::ScaleInPlace(filters.feature, INT16_MIN, INT16_MAX, sums, count);
  if (filters.memory % 8 == 0) {
    PushAndWeighEights(weights, state, sums, count, filters.memory);
  } else {
    PushAndWeighAny(weights, state, sums, count, filters.memory);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

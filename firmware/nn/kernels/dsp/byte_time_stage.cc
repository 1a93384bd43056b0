// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF with an int8 state for Arm cores with the DSP extension, eight values at a
// time.
#include "nn/kernels/byte_time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

#include "nn/kernels/dsp/dsp.h"
#include "nn/kernels/plain/byte_time_stage.h"

namespace stapes {
namespace {

// What PushAndDotEights reads; the assembly knows the layout.
struct Filters {
  int32_t all_but_eight;  // values that a filter remembers, less 8
  uint32_t offsets;       // minus the zero point, in both halves
  int32_t* sums_end;
};

// clang-format off
// Eight values in r4 and r5, their weights in r6 and r7.
#define STAPES_WEIGH_EIGHT_BYTES     \
  "sxtab16 r8, lr, r4\n"             \
  "sxtb16 r9, r6\n"                  \
  "smlad r11, r8, r9, r11\n"         \
  "sxtab16 r4, lr, r4, ror #8\n"     \
  "sxtb16 r6, r6, ror #8\n"          \
  "smlad r11, r4, r6, r11\n"         \
  "sxtab16 r8, lr, r5\n"             \
  "sxtb16 r9, r7\n"                  \
  "smlad r11, r8, r9, r11\n"         \
  "sxtab16 r5, lr, r5, ror #8\n"     \
  "sxtb16 r7, r7, ror #8\n"          \
  "smlad r11, r5, r7, r11\n"

// Filters of word-aligned weights and state that remember a multiple of 8 values; the lowest byte
// of each of the sums is the newest value. 18 instructions for 8 values.
__attribute__((naked, noinline)) void PushAndDotEights(const int8_t*, int8_t*, int32_t*,
                                                       const Filters*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "ldrd r4, lr, [r3]\n"
      "0:\n"
      "ldr r10, [r2]\n"
      "mov r11, #0\n"
      "add r12, r1, r4\n"
      "cmp r1, r12\n"
      "beq 2f\n"
      "1:\n"
      "ldr r4, [r1, #1]\n"
      "ldr r5, [r1, #5]\n"
      "ldrd r6, r7, [r0], #8\n"
      "strd r4, r5, [r1], #8\n" STAPES_WEIGH_EIGHT_BYTES
      "cmp r1, r12\n"
      "bne 1b\n"
      "2:\n"
      "ldrd r4, r5, [r1]\n"
      "lsr r4, r4, #8\n"
      "orr r4, r4, r5, lsl #24\n"
      "lsr r5, r5, #8\n"
      "orr r5, r5, r10, lsl #24\n"
      "ldrd r6, r7, [r0], #8\n"
      "strd r4, r5, [r1], #8\n" STAPES_WEIGH_EIGHT_BYTES
      "str r11, [r2], #4\n"
      "ldr r4, [r3]\n"
      "ldr r5, [r3, #8]\n"
      "cmp r2, r5\n"
      "bne 0b\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

}  // namespace

void PushAndWeighBytes(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                       int32_t* sums, int32_t count) {
  plain::ScaleSums(filters, sums, count);
  const uintptr_t places =
      reinterpret_cast<uintptr_t>(weights) | reinterpret_cast<uintptr_t>(state);
  if (filters.memory % 8 != 0 || places % 4 != 0) {
    plain::PushAndDotAll(filters, weights, state, sums, count);
  } else if (count > 0) {
    const Filters read = {filters.memory - 8, dsp::BothHalves(-filters.zero_point), sums + count};
    PushAndDotEights(weights, state, sums, &read);
  }
}

}  // namespace stapes

#endif

// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF for Arm cores with the DSP extension. The values are loaded from one place
// further on, stored as words and multiplied in pairs, so that moving them costs little more than
// weighing them: fastest where a filter remembers a multiple of eight.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

#include "nn/kernels/plain/time_stage.h"

namespace stapes {
namespace {

// What the assembly reads; it knows the layout.
struct EightFilters {
  uint32_t entry;  // bytes of code to skip before the groups of eight
  int32_t* sums_end;
  int32_t has_four;  // whether four values come before them
};
struct AnyFilters {
  int32_t last;  // bytes before a filter's last value, or its last two if that is even
  int32_t memory;
  int32_t* sums_end;
};

constexpr uint32_t kStepBytes = 40;  // of code
constexpr int32_t kMostEights = 4;

// clang-format off
#define STAPES_WEIGH_EIGHT(multiply_first) \
  "ldmia r0!, {r5, r8, r9, r10}\n"         \
  "stmia.w r1!, {r2, r3, r4, r6}\n"        \
  multiply_first                           \
  "smlad r7, r3, r8, r7\n"                 \
  "smlad r7, r4, r9, r7\n"                 \
  "smlad r7, r6, r10, r7\n"

#define STAPES_NEXT_EIGHT            \
  "ldr.w r2, [r1, #2]\n"             \
  "ldr.w r3, [r1, #6]\n"             \
  "ldr.w r4, [r1, #10]\n"            \
  "ldr.w r6, [r1, #14]\n"            \
  STAPES_WEIGH_EIGHT("smlad r7, r2, r5, r7\n")

#define STAPES_LAST_EIGHT(multiply_first) \
  "ldr r2, [r1, #2]\n"                    \
  "ldr r3, [r1, #6]\n"                    \
  "ldr r4, [r1, #10]\n"                   \
  "ldrh r6, [r1, #14]\n"                  \
  "orr r6, r6, r11, lsl #16\n"            \
  STAPES_WEIGH_EIGHT(multiply_first)      \
  "str r7, [lr], #4\n"

// Filters of word-aligned weights and state that remember eight values; the lower halves of the
// sums are the newest ones.
__attribute__((naked, noinline)) void PushAndWeighEight(const int16_t*, int16_t*, int32_t*,
                                                        const int32_t*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov lr, r2\n"
      "mov r12, r3\n"
      "0:\n"
      "ldr r11, [lr]\n"
      STAPES_LAST_EIGHT("smuad r7, r2, r5\n")
      "cmp lr, r12\n"
      "bne 0b\n"
      "pop {r4-r11, pc}\n");
}

// The same for up to kMostEights times as many values, and four more.
__attribute__((naked, noinline)) void PushAndWeighEights(const int16_t*, int16_t*, int32_t*,
                                                         const EightFilters*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov lr, r2\n"
      "ldm r3, {r2, r4, r5}\n"
      "adr r3, 1f\n"
      "add r3, r2\n"
      "adds r3, #1\n"
      "mov r12, r3\n"
      "cbz r5, 3f\n"
      "adr r12, 2f\n"
      "adds r12, #1\n"
      "3:\n"
      "push {r3, r4}\n"
      "0:\n"
      "ldr r11, [lr]\n"
      "movs r7, #0\n"
      "bx r12\n"
      ".p2align 2\n"
      "2:\n"
      "ldr r2, [r1, #2]\n"
      "ldr r3, [r1, #6]\n"
      "ldmia r0!, {r5, r8}\n"
      "stmia r1!, {r2, r3}\n"
      "smlad r7, r2, r5, r7\n"
      "smlad r7, r3, r8, r7\n"
      "ldr pc, [sp]\n"
      ".p2align 2\n"
      "1:\n"
      STAPES_NEXT_EIGHT STAPES_NEXT_EIGHT STAPES_NEXT_EIGHT
      STAPES_LAST_EIGHT("smlad r7, r2, r5, r7\n")
      "ldr r2, [sp, #4]\n"
      "cmp lr, r2\n"
      "bne 0b\n"
      "add sp, #8\n"
      "pop {r4-r11, pc}\n");
}

// Filters of any memory above 1, at any place; the sums are the newest values.
__attribute__((naked, noinline)) void PushAndWeighAny(const int16_t*, int16_t*, int32_t*,
                                                      const AnyFilters*) {
  __asm__(
      "push {r4-r9, lr}\n"
      "ldm r3, {r7, r8, r9}\n"
      "0:\n"
      "ldr r6, [r2]\n"
      "movs r5, #0\n"
      "adds r12, r1, r7\n"
      "cmp r1, r12\n"
      "beq 2f\n"
      "1:\n"
      "ldr r3, [r1, #2]\n"
      "ldr r4, [r0], #4\n"
      "str r3, [r1], #4\n"
      "cmp r1, r12\n"
      "smlad r5, r3, r4, r5\n"
      "bne 1b\n"
      "2:\n"
      "lsls r3, r8, #31\n"
      "bne 3f\n"
      "ldrh r3, [r1, #2]\n"
      "ldrsh r4, [r0], #2\n"
      "strh r3, [r1], #2\n"
      "smlabb r5, r3, r4, r5\n"
      "3:\n"
      "ldrsh r4, [r0], #2\n"
      "strh r6, [r1], #2\n"
      "mla r5, r4, r6, r5\n"
      "str r5, [r2], #4\n"
      "cmp r2, r9\n"
      "bne 0b\n"
      "pop {r4-r9, pc}\n");
}
// clang-format on

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  plain::ScaleSums(filters, sums, count);
  const int32_t memory = filters.memory;
  const uintptr_t places =
      reinterpret_cast<uintptr_t>(weights) | reinterpret_cast<uintptr_t>(state);
  int32_t* const end = sums + count;
  if (memory == 8 && places % 4 == 0) {
    PushAndWeighEight(weights, state, sums, end);
  } else if (memory >= 8 && memory % 4 == 0 && memory / 8 <= kMostEights && places % 4 == 0) {
    const uint32_t skipped = static_cast<uint32_t>(kMostEights - memory / 8) * kStepBytes;
    const EightFilters read = {skipped, end, memory & 4};
    PushAndWeighEights(weights, state, sums, &read);
  } else if (memory > 1) {
    const AnyFilters read = {2 * ((memory - 1) & ~1), memory, end};
    PushAndWeighAny(weights, state, sums, &read);
  } else {
    plain::PushAndDotAll(filters, weights, state, sums, count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

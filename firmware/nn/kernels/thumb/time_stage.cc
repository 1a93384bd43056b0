// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF for Arm cores without the DSP extension: each value moves on as it is
// weighed.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_THUMB

#include "nn/kernels/plain/time_stage.h"

namespace stapes {
namespace {

// What PushAndWeighAll reads; the assembly knows the layout.
struct Filters {
  int32_t last;    // bytes of the values of a filter that move on
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  int32_t* sums_end;
  uint32_t skipped;  // bytes of values of these steps
};

// clang-format off
#if defined(__thumb2__)

constexpr uint32_t kStepBytes = 16;  // of code
constexpr uint32_t kSteps = 8;       // unrolled

// A load right after another load, or a store, takes one cycle instead of two.
#define STAPES_WEIGH_STEP(place, next)  \
  "ldrsh.w r4, [r1, #" next "]\n"       \
  "ldrsh.w r6, [r0, #" place "]\n"      \
  "strh.w r4, [r1, #" place "]\n"       \
  "mla r5, r4, r6, r5\n"

// The sums are the newest values.
__attribute__((naked, noinline)) void PushAndWeighAll(const int16_t*, int16_t*, int32_t*,
                                                      const Filters*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "ldrd r7, r8, [r3]\n"
      "ldrd r9, r10, [r3, #8]\n"
      "adr r12, 1f\n"
      "add r12, r8\n"
      "adds r12, #1\n"
      "subs r1, r1, r10\n"
      "subs r0, r0, r10\n"
      "add r7, r10\n"
      "0:\n"
      "movs r5, #0\n"
      "add lr, r1, r7\n"
      "bx r12\n"
      ".p2align 2\n"
      "1:\n"
      STAPES_WEIGH_STEP("0", "2") STAPES_WEIGH_STEP("2", "4")
      STAPES_WEIGH_STEP("4", "6") STAPES_WEIGH_STEP("6", "8")
      STAPES_WEIGH_STEP("8", "10") STAPES_WEIGH_STEP("10", "12")
      STAPES_WEIGH_STEP("12", "14") STAPES_WEIGH_STEP("14", "16")
      "adds r0, #16\n"
      "adds r1, #16\n"
      "cmp r1, lr\n"
      "bne 1b\n"
      "ldr r4, [r2]\n"
      "ldrsh r6, [r0], #2\n"
      "strh r4, [r1], #2\n"
      "mla r5, r4, r6, r5\n"
      "subs r0, r0, r10\n"
      "subs r1, r1, r10\n"
      "stmia r2!, {r5}\n"
      "cmp r2, r9\n"
      "bne 0b\n"
      "pop {r4-r11, pc}\n");
}

#else

constexpr uint32_t kStepBytes = 12;  // of code
constexpr uint32_t kSteps = 4;       // unrolled

#define STAPES_WEIGH_STEP            \
  "ldrsh r3, [r1, r2]\n"             \
  "strh r3, [r6, r2]\n"              \
  "ldrsh r4, [r0, r2]\n"             \
  "muls r4, r3, r4\n"                \
  "adds r5, r5, r4\n"                \
  "adds r2, #2\n"

// The sums are the newest values.
__attribute__((naked, noinline)) void PushAndWeighAll(const int16_t*, int16_t*, int32_t*,
                                                      const Filters*) {
  __asm__(
      ".syntax unified\n"
      "push {r4-r7, lr}\n"
      "mov r4, r8\n"
      "mov r5, r9\n"
      "mov r6, r10\n"
      "push {r4-r6}\n"
      "mov r8, r2\n"
      "mov r6, r1\n"
      "ldr r7, [r3]\n"
      "ldr r4, [r3, #4]\n"
      "adr r5, 1f\n"
      "adds r5, r4\n"
      "adds r5, #1\n"
      "mov r9, r5\n"
      "ldr r5, [r3, #8]\n"
      "mov r10, r5\n"
      "0:\n"
      "adds r1, r6, #2\n"
      "movs r2, #0\n"
      "movs r5, #0\n"
      "bx r9\n"
      ".p2align 2\n"
      "1:\n" STAPES_WEIGH_STEP STAPES_WEIGH_STEP STAPES_WEIGH_STEP STAPES_WEIGH_STEP
      "cmp r2, r7\n"
      "bne 1b\n"
      "mov r1, r8\n"
      "ldr r3, [r1]\n"
      "strh r3, [r6, r2]\n"
      "ldrsh r4, [r0, r2]\n"
      "muls r4, r3, r4\n"
      "adds r5, r5, r4\n"
      "stmia r1!, {r5}\n"
      "mov r8, r1\n"
      "adds r2, #2\n"
      "adds r0, r0, r2\n"
      "adds r6, r6, r2\n"
      "cmp r1, r10\n"
      "bne 0b\n"
      "pop {r4-r6}\n"
      "mov r8, r4\n"
      "mov r9, r5\n"
      "mov r10, r6\n"
      "pop {r4-r7, pc}\n");
}

#endif
// clang-format on

Filters Describe(int32_t memory, int32_t* sums_end) {
  const uint32_t skipped = (kSteps - static_cast<uint32_t>(memory - 1) % kSteps) % kSteps;
  return {2 * (memory - 1), skipped * kStepBytes, sums_end, skipped * uint32_t{sizeof(int16_t)}};
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  plain::ScaleSums(filters, sums, count);
  if (filters.memory <= 1) {
    plain::PushAndDotAll(filters, weights, state, sums, count);
    return;
  }
  const Filters read = Describe(filters.memory, sums + count);
  PushAndWeighAll(weights, state, sums, &read);
}

}  // namespace stapes

#endif  // STAPES_KERNELS_THUMB

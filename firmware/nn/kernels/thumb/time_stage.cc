// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF for Arm cores without the DSP extension. Cortex-M3 moves eight values by
// words; Cortex-M0, which cannot load a word from any address, moves one after the other.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_THUMB

#include "nn/kernels/plain/time_stage.h"

namespace stapes {
namespace {

// What PushAndWeighAll reads; the assembly knows the layout.
struct Filters {
  int32_t last;    // bytes before the values of a filter that are pushed
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  int32_t* sums_end;
};

// clang-format off
#if defined(__thumb2__)

// Whether PushAndWeighAll takes these filters.
bool TakesFilters(int32_t memory, const int16_t* weights, const int16_t* state) {
  const uintptr_t places =
      reinterpret_cast<uintptr_t>(weights) | reinterpret_cast<uintptr_t>(state);
  return memory % 8 == 0 && places % 4 == 0;
}

Filters Describe(int32_t memory, int32_t* sums_end) { return {2 * (memory - 8), 0, sums_end}; }

#define STAPES_WEIGH_PAIR(pair)      \
  "ldrsh r8, [r0], #2\n"             \
  "sxth r9, " pair "\n"              \
  "mla r7, r8, r9, r7\n"             \
  "ldrsh r8, [r0], #2\n"             \
  "asrs " pair ", " pair ", #16\n"   \
  "mla r7, r8, " pair ", r7\n"

#define STAPES_WEIGH_EIGHT           \
  "stmia r1!, {r2, r3, r4, r6}\n"    \
  STAPES_WEIGH_PAIR("r2")            \
  STAPES_WEIGH_PAIR("r3")            \
  STAPES_WEIGH_PAIR("r4")            \
  STAPES_WEIGH_PAIR("r6")

// The lower halves of the sums are the newest values.
__attribute__((naked, noinline)) void PushAndWeighAll(const int16_t*, int16_t*, int32_t*,
                                                      const Filters*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov lr, r2\n"
      "ldr r10, [r3]\n"
      "ldr r11, [r3, #8]\n"
      "0:\n"
      "ldr r5, [lr]\n"
      "movs r7, #0\n"
      "adds r12, r1, r10\n"
      "cmp r1, r12\n"
      "beq 2f\n"
      "1:\n"
      "ldr r2, [r1, #2]\n"
      "ldr r3, [r1, #6]\n"
      "ldr r4, [r1, #10]\n"
      "ldr r6, [r1, #14]\n" STAPES_WEIGH_EIGHT
      "cmp r1, r12\n"
      "bne 1b\n"
      "2:\n"
      "ldr r2, [r1, #2]\n"
      "ldr r3, [r1, #6]\n"
      "ldr r4, [r1, #10]\n"
      "ldrh r6, [r1, #14]\n"
      "orr r6, r6, r5, lsl #16\n" STAPES_WEIGH_EIGHT
      "str r7, [lr], #4\n"
      "cmp lr, r11\n"
      "bne 0b\n"
      "pop {r4-r11, pc}\n");
}

#else

constexpr uint32_t kStepBytes = 12;  // of code
constexpr uint32_t kSteps = 4;       // unrolled

bool TakesFilters(int32_t memory, const int16_t*, const int16_t*) { return memory > 1; }

Filters Describe(int32_t memory, int32_t* sums_end) {
  const uint32_t skipped = (kSteps - static_cast<uint32_t>(memory - 1) % kSteps) % kSteps;
  return {2 * (memory - 1), skipped * kStepBytes, sums_end};
}

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

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  plain::ScaleSums(filters, sums, count);
  if (!TakesFilters(filters.memory, weights, state)) {
    plain::PushAndDotAll(filters, weights, state, sums, count);
    return;
  }
  const Filters read = Describe(filters.memory, sums + count);
  PushAndWeighAll(weights, state, sums, &read);
}

}  // namespace stapes

#endif  // STAPES_KERNELS_THUMB

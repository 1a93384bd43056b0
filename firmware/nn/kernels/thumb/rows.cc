// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector, for Arm cores without the DSP extension: four
// rows at a time, which share the loads of the values. Cortex-M3 needs 9 instructions for four
// products; Cortex-M0, which has fewer registers and addresses fewer ways, 15.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_THUMB

namespace stapes {
namespace {

// What MultiplyRowQuads reads; the assembly knows the layout.
struct RowQuads {
  const int16_t* values;
  int32_t stride;  // bytes from row to row
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  int32_t count;   // values, more than 0
  int32_t* sums_end;
};

constexpr uint32_t kSteps = 4;  // unrolled

// clang-format off
#if defined(__thumb2__)

constexpr uint32_t kStepBytes = 36;  // of code

#define STAPES_ROW_STEP              \
  "ldrsh.w r9, [r0], #2\n"           \
  "ldrsb.w r10, [r1], #1\n"          \
  "mla r5, r9, r10, r5\n"            \
  "ldrsb.w r10, [r2], #1\n"          \
  "mla r6, r9, r10, r6\n"            \
  "ldrsb.w r10, [r3], #1\n"          \
  "mla r7, r9, r10, r7\n"            \
  "ldrsb.w r10, [r4], #1\n"          \
  "mla r8, r9, r10, r8\n"

// Four rows at a time up to quads->sums_end.
__attribute__((naked, noinline)) void MultiplyRowQuads(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      "push {r0, r4-r11, lr}\n"
      "mov lr, r2\n"
      "ldr r2, [r0, #8]\n"
      "adr r12, 1f\n"
      "add r12, r2\n"
      "adds r12, #1\n"
      "ldr r2, [r0, #12]\n"
      "ldr r11, [r0]\n"
      "add r11, r11, r2, lsl #1\n"
      "0:\n"
      "ldr r9, [sp]\n"
      "ldrd r0, r10, [r9]\n"
      "add r2, r1, r10\n"
      "add r3, r2, r10\n"
      "add r4, r3, r10\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "mov r8, #0\n"
      "bx r12\n"
      ".p2align 2\n"
      "1:\n" STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP
      "cmp r0, r11\n"
      "bne 1b\n"
      "stmia lr!, {r5, r6, r7, r8}\n"
      "ldr r9, [sp]\n"
      "ldr r10, [r9, #4]\n"
      "ldrd r5, r6, [r9, #12]\n"
      "subs r1, r4, r5\n"
      "add r1, r10\n"
      "cmp lr, r6\n"
      "bne 0b\n"
      "pop {r0, r4-r11, pc}\n");
}

#else

constexpr uint32_t kStepBytes = 30;

#define STAPES_ROW_STEP              \
  "ldrsh r6, [r0, r5]\n"             \
  "ldrsb r7, [r1, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r8, r7\n"                     \
  "ldrsb r7, [r2, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r9, r7\n"                     \
  "ldrsb r7, [r3, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r10, r7\n"                    \
  "ldrsb r7, [r4, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r11, r7\n"                    \
  "adds r0, #1\n"                    \
  "adds r5, #1\n"

__attribute__((naked, noinline)) void MultiplyRowQuads(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      ".syntax unified\n"
      "push {r4-r7, lr}\n"
      "mov r4, r8\n"
      "mov r5, r9\n"
      "mov r6, r10\n"
      "mov r7, r11\n"
      "push {r4-r7}\n"
      "ldr r4, [r0, #8]\n"
      "adr r3, 1f\n"
      "adds r3, r4\n"
      "adds r3, #1\n"
      "push {r0-r3}\n"  // sp: quads, rows, sums, entry
      "ldr r4, [r0, #12]\n"
      "mov r12, r4\n"
      "0:\n"
      "ldr r0, [sp]\n"
      "ldr r1, [sp, #4]\n"
      "ldr r6, [r0, #4]\n"
      "adds r2, r1, r6\n"
      "adds r3, r2, r6\n"
      "adds r4, r3, r6\n"
      "adds r5, r4, r6\n"
      "str r5, [sp, #4]\n"
      "ldr r0, [r0]\n"
      "movs r5, #0\n"
      "mov r8, r5\n"
      "mov r9, r5\n"
      "mov r10, r5\n"
      "mov r11, r5\n"
      "ldr r7, [sp, #12]\n"
      "bx r7\n"
      ".p2align 2\n"
      "1:\n" STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP
      "cmp r5, r12\n"
      "bne 1b\n"
      "ldr r0, [sp, #8]\n"
      "mov r1, r8\n"
      "mov r2, r9\n"
      "mov r3, r10\n"
      "mov r4, r11\n"
      "stmia r0!, {r1, r2, r3, r4}\n"
      "str r0, [sp, #8]\n"
      "ldr r1, [sp]\n"
      "ldr r1, [r1, #16]\n"
      "cmp r0, r1\n"
      "bne 0b\n"
      "add sp, #16\n"
      "pop {r4-r7}\n"
      "mov r8, r4\n"
      "mov r9, r5\n"
      "mov r10, r6\n"
      "mov r11, r7\n"
      "pop {r4-r7, pc}\n");
}

#endif
// clang-format on

}  // namespace

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  int32_t row = 0;
  if (rows >= 4 && wide.count > 0) {
    row = rows & ~3;
    const uint32_t skipped = (kSteps - static_cast<uint32_t>(wide.count) % kSteps) % kSteps;
    const RowQuads quads = {wide.values, stride, skipped * kStepBytes, wide.count, sums + row};
    MultiplyRowQuads(&quads, weights, sums);
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide.values, weights + row * stride, wide.count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_THUMB

// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector, for Arm cores with the DSP extension.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

namespace stapes {
namespace {

// What MultiplyRowPairs reads; the assembly knows the layout.
struct RowPairs {
  const int16_t* wide;
  int32_t stride;  // bytes from row to row
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  int32_t* sums;
  const int16_t* wide_end;  // after the last whole group of eight
  int32_t count;            // values, a multiple of 4
  int32_t skip;             // bytes from the end of a row to the next
};

constexpr uint32_t kStepBytes = 76;  // of code
constexpr uint32_t kSteps = 4;       // unrolled

// clang-format off
// Two rows against eight values: 19 instructions for 16 products.
#define STAPES_ROW_STEP               \
  "ldmia r0!, {r5, r6, r7, r8}\n"     \
  "ldrd r9, r10, [r1], #8\n"          \
  "sxtb16 r11, r9\n"                  \
  "sxtb16 r9, r9, ror #8\n"           \
  "smlad r3, r5, r11, r3\n"           \
  "smlad r3, r6, r9, r3\n"            \
  "sxtb16 r11, r10\n"                 \
  "sxtb16 r10, r10, ror #8\n"         \
  "smlad r3, r7, r11, r3\n"           \
  "smlad r3, r8, r10, r3\n"           \
  "ldrd r9, r10, [r2], #8\n"          \
  "sxtb16 r11, r9\n"                  \
  "sxtb16 r9, r9, ror #8\n"           \
  "smlad r4, r5, r11, r4\n"           \
  "smlad r4, r6, r9, r4\n"            \
  "sxtb16 r11, r10\n"                 \
  "sxtb16 r10, r10, ror #8\n"         \
  "smlad r4, r7, r11, r4\n"           \
  "smlad r4, r8, r10, r4\n"

// `pairs` pairs of rows of word-aligned weights.
__attribute__((naked, noinline)) void MultiplyRowPairs(const RowPairs*, const int8_t*, int32_t) {
  __asm__(
      "push {r4-r11, lr}\n"
      "sub sp, #28\n"
      "mov lr, r2\n"
      "ldm r0, {r2, r3, r4, r5, r6, r8, r9}\n"
      "adr r7, 1f\n"
      "add r4, r7\n"
      "adds r4, #1\n"
      "stm sp, {r2, r3, r4, r5, r6, r8, r9}\n"
      "mov r12, r6\n"
      "0:\n"
      "ldm sp, {r0, r2, r5}\n"
      "add r2, r1\n"
      "movs r3, #0\n"
      "movs r4, #0\n"
      "bx r5\n"
      ".p2align 2\n"
      "1:\n" STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP
      "2:\n"
      "cmp r0, r12\n"
      "bne 1b\n"
      "ldr r5, [sp, #20]\n"
      "lsls r5, r5, #29\n"
      "bpl 3f\n"
      "ldrd r5, r6, [r0], #8\n"
      "ldr r9, [r1], #4\n"
      "sxtb16 r11, r9\n"
      "sxtb16 r9, r9, ror #8\n"
      "smlad r3, r5, r11, r3\n"
      "smlad r3, r6, r9, r3\n"
      "ldr r9, [r2], #4\n"
      "sxtb16 r11, r9\n"
      "sxtb16 r9, r9, ror #8\n"
      "smlad r4, r5, r11, r4\n"
      "smlad r4, r6, r9, r4\n"
      "3:\n"
      "ldr r5, [sp, #12]\n"
      "stmia r5!, {r3, r4}\n"
      "str r5, [sp, #12]\n"
      "ldr r1, [sp, #24]\n"
      "add r1, r2\n"
      "subs lr, #1\n"
      "bne 0b\n"
      "add sp, #28\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

}  // namespace

WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  const uint32_t offsets = dsp::BothHalves(offset);
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t word = dsp::LoadWord(values + i);
    dsp::StoreWord(wide + i, dsp::WidenEvenAdd(word, offsets));
    dsp::StoreWord(wide + i + 2, dsp::WidenOddAdd(word, offsets));
  }
  for (; i < count; ++i) {
    wide[i] = static_cast<int16_t>(values[i] + offset);
  }
  return {wide, count, 1};
}

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  const int32_t count = wide.count;
  int32_t row = 0;
  const bool aligned = reinterpret_cast<uintptr_t>(weights) % 4 == 0 && stride % 4 == 0;
  if (aligned && count % 4 == 0 && rows > 1) {
    const uint32_t steps = static_cast<uint32_t>(count) / 8;
    const uint32_t skipped = steps == 0 ? kSteps : (kSteps - steps % kSteps) % kSteps;
    const RowPairs pairs = {
        wide.values, stride,        skipped * kStepBytes, sums, wide.values + 8 * steps,
        count,       stride - count};
    MultiplyRowPairs(&pairs, weights, rows / 2);
    row = rows & ~1;
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide.values, weights + row * stride, count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

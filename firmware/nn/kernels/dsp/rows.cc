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
  int32_t start[2];  // 0, of the sums
  uint32_t entry;    // bytes of the unrolled loop to skip at first
  int32_t stride;    // bytes from row to row
  int32_t skip;      // bytes from the end of a row to the next
  int32_t* sums_end;
  int32_t has_four;         // whether four values are left after the groups of eight
  const int16_t* wide_end;  // after the last whole group of eight
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

// Pairs of rows of word-aligned weights up to pairs->sums_end; the first begins pairs->skip bytes
// after the second argument.
__attribute__((naked, noinline)) void MultiplyRowPairs(const RowPairs*, const int8_t*, int32_t*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov lr, r2\n"
      "mov r2, r1\n"
      "ldrd r3, r12, [r0, #28]\n"
      "ldm r0, {r4, r5, r6, r7, r8, r9, r10}\n"
      "adr r0, 1f\n"
      "add r7, r0\n"
      "adds r7, #1\n"
      "adr r11, 3f\n"
      "adds r11, #1\n"
      "cbz r3, 4f\n"
      "adr r11, 2f\n"
      "adds r11, #1\n"
      "4:\n"
      "push {r4, r5, r6, r7, r8, r9, r10, r11}\n"
      "0:\n"
      "ldm sp, {r0, r3, r4, r5, r6, r7}\n"
      "add r1, r2, r7\n"
      "add r2, r1, r6\n"
      "bx r5\n"
      ".p2align 2\n"
      "1:\n" STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP
      "cmp r0, r12\n"
      "bne 1b\n"
      "ldr pc, [sp, #28]\n"
      ".p2align 2\n"
      "2:\n"
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
      ".p2align 2\n"
      "3:\n"
      "stmia lr!, {r3, r4}\n"
      "ldr r5, [sp, #24]\n"
      "cmp lr, r5\n"
      "bne 0b\n"
      "add sp, #32\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

}  // namespace

WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  const uint32_t offsets = dsp::BothHalves(offset);
  int32_t i = 0;
  if (count >= 4) {
    i = count & ~3;
    const int8_t* from = values;
    int16_t* to = wide;
    __asm__ volatile(
        "1:\n"
        "ldr r5, [%[from]], #4\n"
        "sxtab16 r4, %[offsets], r5\n"
        "sxtab16 r5, %[offsets], r5, ror #8\n"
        "stmia %[to]!, {r4, r5}\n"
        "cmp %[from], %[end]\n"
        "bne 1b\n"
        : [from] "+r"(from), [to] "+r"(to)
        : [end] "r"(values + i), [offsets] "r"(offsets)
        : "r4", "r5", "cc", "memory");
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
    row = rows & ~1;
    const int32_t skip = stride - count;
    const RowPairs pairs = {wide.values, {0, 0},    skipped * kStepBytes,   stride, skip,
                            sums + row,  count & 4, wide.values + 8 * steps};
    MultiplyRowPairs(&pairs, weights - skip, sums);
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide.values, weights + row * stride, count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

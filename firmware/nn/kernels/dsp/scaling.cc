// SPDX-License-Identifier: Apache-2.0
// Scaling of sums for Arm cores with the DSP extension, four at a time.
#include "nn/kernels/down_scale.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

namespace stapes {
namespace {

// What ScaleFours reads; the assembly knows the layout.
struct Scale {
  const int32_t* sums_end;
  DownScale down;
  int32_t offset;
};

// clang-format off
#define STAPES_SCALE(sum, bits)                 \
  "smmlar " sum ", " sum ", r4, " sum "\n"      \
  "add " sum ", " sum ", " sum ", asr #31\n"    \
  "smmlsr " sum ", " sum ", r5, r6\n"           \
  "ssat " sum ", #" bits ", " sum "\n"

__attribute__((naked, noinline)) void ScaleFours(const int32_t*, const int32_t*, int8_t*,
                                                 const Scale*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "ldm r3, {r3, r4, r5, r6}\n"
      "1:\n"
      "ldmia r0!, {r7, r8, r9, r10}\n"
      "ldrd r11, r12, [r1], #8\n"
      "add r7, r11\n"
      "add r8, r12\n"
      "ldrd r11, r12, [r1], #8\n"
      "add r9, r11\n"
      "add r10, r12\n"
      STAPES_SCALE("r7", "8") STAPES_SCALE("r8", "8") STAPES_SCALE("r9", "8")
      STAPES_SCALE("r10", "8")
      "strb r7, [r2], #1\n"
      "strb r8, [r2], #1\n"
      "strb r9, [r2], #1\n"
      "strb r10, [r2], #1\n"
      "cmp r0, r3\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}

// In place, to int16.
__attribute__((naked, noinline)) void ScaleFoursToS16(int32_t*, const Scale*) {
  __asm__(
      "push {r4-r10, lr}\n"
      "ldm r1, {r3, r4, r5, r6}\n"
      "1:\n"
      "ldm r0, {r7, r8, r9, r10}\n"
      STAPES_SCALE("r7", "16") STAPES_SCALE("r8", "16") STAPES_SCALE("r9", "16")
      STAPES_SCALE("r10", "16")
      "stmia r0!, {r7, r8, r9, r10}\n"
      "cmp r0, r3\n"
      "bne 1b\n"
      "pop {r4-r10, pc}\n");
}
// clang-format on

}  // namespace

void ScaleDownToS16(int32_t* sums, int32_t count, DownScale down) {
  const int32_t fours = count & ~3;
  if (fours != 0) {
    const Scale scale = {sums + fours, down, 0};
    ScaleFoursToS16(sums, &scale);
  }
  for (int32_t i = fours; i < count; ++i) {
    sums[i] = SaturateS16(down(sums[i], 0));
  }
}

void ScaleDown(const int32_t* sums, const int32_t* bias, int32_t count, DownScale down,
               int32_t offset, int8_t* outputs) {
  const int32_t fours = count & ~3;
  if (fours != 0) {
    const Scale scale = {sums + fours, down, offset};
    ScaleFours(sums, bias, outputs, &scale);
  }
  for (int32_t i = fours; i < count; ++i) {
    outputs[i] = SaturateS8(down(WrappingAdd(sums[i], bias[i]), offset));
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

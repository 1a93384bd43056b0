// SPDX-License-Identifier: Apache-2.0
// Scaling of many sums by one multiplier, for Arm cores without the DSP extension: what DownScale
// does, on Cortex-M3 for four sums at a time.
#include "nn/kernels/down_scale.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_THUMB

namespace stapes {
namespace {

#if defined(__thumb2__)

// What ScaleFours reads; the assembly knows the layout.
struct Fours {
  const int32_t* sums_end;
  DownScale down;
  int32_t offset;
};

// clang-format off
#define STAPES_SCALE(sum, offset)            \
  "smull r10, r11, " sum ", r9\n"            \
  "adds r10, r10, r10\n"                     \
  "adc r11, r11, " sum "\n"                  \
  "add r11, r11, r11, asr #31\n"             \
  "asrs r11, r11, r12\n"                     \
  "adc " sum ", r11, " offset "\n"

#define STAPES_SCALE_FOUR(offset)            \
  STAPES_SCALE("r4", offset)                 \
  STAPES_SCALE("r5", offset)                 \
  STAPES_SCALE("r6", offset)                 \
  STAPES_SCALE("r7", offset)

// Sums up to fours->sums_end; they stay as they are.
__attribute__((naked, noinline)) void ScaleFours(const int32_t* /*sums*/, const int32_t* /*bias*/,
                                                 int8_t* /*outputs*/, const Fours*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "ldrd r8, r9, [r3]\n"
      "ldrd r12, lr, [r3, #8]\n"
      "1:\n"
      "ldmia r0!, {r4, r5, r6, r7}\n"
      "ldr r3, [r1]\n"
      "ldr r10, [r1, #4]\n"
      "ldr r11, [r1, #8]\n"
      "add r4, r3\n"
      "ldr r3, [r1, #12]\n"
      "add r5, r10\n"
      "add r6, r11\n"
      "add r7, r3\n"
      "adds r1, #16\n"
      STAPES_SCALE_FOUR("lr")
      "ssat r4, #8, r4\n"
      "ssat r5, #8, r5\n"
      "ssat r6, #8, r6\n"
      "ssat r7, #8, r7\n"
      "strb r4, [r2]\n"
      "strb r5, [r2, #1]\n"
      "strb r6, [r2, #2]\n"
      "strb r7, [r2, #3]\n"
      "adds r2, #4\n"
      "cmp r0, r8\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}

// Sums up to `end` in place.
__attribute__((naked, noinline)) void ScaleFoursToS16(int32_t*, const int32_t* /*end*/,
                                                      int32_t /*twice*/, int32_t /*right*/) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov r9, r2\n"
      "mov r12, r3\n"
      "movs r2, #0\n"
      "1:\n"
      "ldm r0, {r4, r5, r6, r7}\n"
      STAPES_SCALE_FOUR("r2")
      "ssat r4, #16, r4\n"
      "ssat r5, #16, r5\n"
      "ssat r6, #16, r6\n"
      "ssat r7, #16, r7\n"
      "stmia r0!, {r4, r5, r6, r7}\n"
      "cmp r0, r1\n"
      "bne 1b\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

int32_t ScaleMostDown(const int32_t* sums, const int32_t* bias, int32_t count, DownScale down,
                      int32_t offset, int8_t* outputs) {
  const int32_t most = count & ~3;
  if (most > 0) {
    const Fours fours = {sums + most, down, offset};
    ScaleFours(sums, bias, outputs, &fours);
  }
  return most;
}

int32_t ScaleMostToS16(int32_t* sums, int32_t count, DownScale down) {
  const int32_t most = count & ~3;
  if (most > 0) {
    ScaleFoursToS16(sums, sums + most, down.twice, down.right);
  }
  return most;
}

#else

int32_t ScaleMostDown(const int32_t*, const int32_t*, int32_t, DownScale, int32_t, int8_t*) {
  return 0;
}

int32_t ScaleMostToS16(int32_t*, int32_t, DownScale) { return 0; }

#endif

}  // namespace

void ScaleDown(const int32_t* sums, const int32_t* bias, int32_t count, DownScale down,
               int32_t offset, int8_t* outputs) {
  for (int32_t i = ScaleMostDown(sums, bias, count, down, offset, outputs); i < count; ++i) {
    outputs[i] = SaturateS8(down(WrappingAdd(sums[i], bias[i]), offset));
  }
}

void ScaleDownToS16(int32_t* sums, int32_t count, DownScale down) {
  for (int32_t i = ScaleMostToS16(sums, count, down); i < count; ++i) {
    sums[i] = SaturateS16(down(sums[i], 0));
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_THUMB

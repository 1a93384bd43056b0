// SPDX-License-Identifier: Apache-2.0
// The time stage of SVDF for Arm cores with the DSP extension. The values are loaded from one place
// further on, stored as words and multiplied in pairs, so that moving them costs little more than
// weighing them: fastest where a filter remembers a multiple of eight.
#include "nn/kernels/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

#include "nn/kernels/down_scale.h"
#include "nn/kernels/dsp/dsp.h"

namespace stapes {
namespace {

// What PushAndWeighEights reads; the assembly knows the layout.
struct Filters {
  int32_t left;       // Requantize: shift left,
  int32_t twice;      // multiply as in DownScale,
  int32_t sign_mask;  // subtract one if negative (-1, or 0 without a shift right),
  int32_t half;       // add half,
  int32_t right;      // shift right
  int32_t last;       // bytes before a filter's last eight values
  int32_t* sums_end;
};

// clang-format off
#define STAPES_WEIGH_EIGHT           \
  "ldmia r0!, {r5, r8, r9, r10}\n"   \
  "stmia r1!, {r2, r3, r4, r6}\n"    \
  "smlad r7, r2, r5, r7\n"           \
  "smlad r7, r3, r8, r7\n"           \
  "smlad r7, r4, r9, r7\n"           \
  "smlad r7, r6, r10, r7\n"

__attribute__((naked, noinline)) void PushAndWeighEights(const int16_t*, int16_t*, int32_t*,
                                                         const Filters*) {
  __asm__(
      "push {r3-r11, lr}\n"
      "mov lr, r2\n"
      "0:\n"
      "ldr r12, [sp]\n"
      "ldr r11, [lr]\n"
      "ldm r12, {r2, r3, r4, r5, r6, r12}\n"
      "lsl r11, r2\n"
      "smmlar r11, r11, r3, r11\n"
      "and r4, r4, r11, asr #31\n"
      "add r11, r4\n"
      "add r11, r5\n"
      "asr r11, r6\n"
      "movs r7, #0\n"
      "ssat r11, #16, r11\n"
      "adds r12, r1\n"
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
      "orr r6, r6, r11, lsl #16\n" STAPES_WEIGH_EIGHT
      "str r7, [lr], #4\n"
      "ldr r12, [sp]\n"
      "ldr r12, [r12, #24]\n"
      "cmp lr, r12\n"
      "bne 0b\n"
      "pop {r3-r11, pc}\n");
}
// clang-format on

// The sums leave room for half of the largest shift.
bool TakesEights(const TimeFilters& filters, const int16_t* weights, const int16_t* state) {
  const uintptr_t places =
      reinterpret_cast<uintptr_t>(weights) | reinterpret_cast<uintptr_t>(state);
  return filters.memory % 8 == 0 && places % 4 == 0 && filters.inputs < (1 << 30) / (128 * 255) &&
         filters.feature.value != 0 && filters.feature.shift > -31;
}

inline int32_t MovePair(const int16_t* weights, int16_t* values, int32_t sum) {
  const uint32_t pair = dsp::LoadWord(values + 1);
  dsp::StoreWord(values, pair);
  return dsp::MultiplyPairs(pair, dsp::LoadWord(weights), sum);
}

// One filter of any memory, at any place.
int32_t PushAndDot(const int16_t* weights, int16_t* values, int32_t memory, int32_t newest) {
  int32_t sum = 0;
  int32_t left = memory;
  for (; left > 8; left -= 8, weights += 8, values += 8) {
    sum = MovePair(weights, values, sum);
    sum = MovePair(weights + 2, values + 2, sum);
    sum = MovePair(weights + 4, values + 4, sum);
    sum = MovePair(weights + 6, values + 6, sum);
  }
  for (; left > 2; left -= 2, weights += 2, values += 2) {
    sum = MovePair(weights, values, sum);
  }
  if (left == 2) {
    values[0] = values[1];
    sum = WrappingAdd(sum, *weights++ * *values++);
  }
  *values = static_cast<int16_t>(newest);
  return WrappingAdd(sum, *weights * newest);
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  const Multiplier feature = filters.feature;
  if (TakesEights(filters, weights, state)) {
    const int32_t shift = feature.shift;
    const Filters read = {shift > 0 ? shift : 0,
                          static_cast<int32_t>(static_cast<uint32_t>(feature.value) << 1),
                          shift < 0 ? -1 : 0,
                          shift < 0 ? 1 << (-shift - 1) : 0,
                          shift < 0 ? -shift : 0,
                          2 * (filters.memory - 8),
                          sums + count};
    PushAndWeighEights(weights, state, sums, &read);
    return;
  }
  const int32_t memory = filters.memory;
  for (int32_t i = 0; i < count; ++i, weights += memory, state += memory) {
    const int32_t scaled = RequantizeAny(sums[i], feature.value, feature.shift);
    sums[i] = PushAndDot(weights, state, memory, Clamp(scaled, INT16_MIN, INT16_MAX));
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

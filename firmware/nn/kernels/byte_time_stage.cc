#include "nn/kernels/byte_time_stage.h"
#include "nn/kernels/platform.h"

#if !STAPES_KERNELS_MVE

#include "nn/kernels/down_scale.h"
#include "nn/kernels/requantize.h"

#if STAPES_KERNELS_DSP
#include "nn/kernels/dsp/dsp.h"
#endif

namespace stapes {
namespace {

#if STAPES_KERNELS_DSP

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

#endif

// One filter of any memory, at any place. Offset: minus the zero point.
inline int32_t PushAndDot(const int8_t* weights, int8_t* values, int32_t memory, int32_t offset,
                          int8_t newest) {
  int32_t sum = 0;
  for (int32_t i = 0; i < memory; ++i) {
    values[i] = i + 1 < memory ? values[i + 1] : newest;
    sum += weights[i] * (values[i] + offset);
  }
  return sum;
}

// Scales the sums to new values of the filters.
void ScaleSums(const ByteFilters& filters, int32_t* sums, int32_t count) {
  const Multiplier feature = filters.feature;
  const int32_t zero_point = filters.zero_point;
  if (kHasDownScale && ScalesDown(feature.shift)) {
    const DownScale down = DownScale::Of(feature.value, feature.shift);
    for (int32_t i = 0; i < count; ++i) {
      sums[i] = SaturateS8(down(sums[i], 0)) + zero_point;
    }
  } else {
    for (int32_t i = 0; i < count; ++i) {
      sums[i] = SaturateS8(RequantizeAny(sums[i], feature.value, feature.shift)) + zero_point;
    }
  }
}

}  // namespace

void PushAndWeighBytes(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                       int32_t* sums, int32_t count) {
  ScaleSums(filters, sums, count);
  const int32_t memory = filters.memory;
#if STAPES_KERNELS_DSP
  const uintptr_t places =
      reinterpret_cast<uintptr_t>(weights) | reinterpret_cast<uintptr_t>(state);
  if (memory % 8 == 0 && places % 4 == 0) {
    const Filters read = {memory - 8, dsp::BothHalves(-filters.zero_point), sums + count};
    if (count > 0) {
      PushAndDotEights(weights, state, sums, &read);
    }
    return;
  }
#endif
  for (int32_t i = 0; i < count; ++i) {
    sums[i] = PushAndDot(weights + i * memory, state + i * memory, memory, -filters.zero_point,
                         static_cast<int8_t>(sums[i]));
  }
}

}  // namespace stapes

#endif  // !STAPES_KERNELS_MVE

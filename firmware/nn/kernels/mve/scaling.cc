// SPDX-License-Identifier: Apache-2.0
// Scaling of sums with Helium, four at a time. The loops are for shifts below 0, as in
// down_scale.h: VRSHL rounds ties upwards, so negative numbers are first lowered by one: that makes
// them ties away from zero.
#include "nn/kernels/scaling.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {
namespace {

// Scales q0 by q2 and q3. VQDMLAH by 1 adds the sign, as a number.
#define STAPES_SCALE             \
  "vqrdmulh.s32 q0, q0, q2\n"    \
  "vqdmlah.s32 q0, q0, %[one]\n" \
  "vrshl.s32 q0, q0, q3\n"

#define STAPES_BOUND(low, high) \
  "vmax.s32 q0, q0, " low       \
  "\n"                          \
  "vmin.s32 q0, q0, " high "\n"

// clang-format off
// Reads multipliers while there are any: `load` is empty where all channels have those of q2 and q3.
#define STAPES_SCALE_BLOCK(load)             \
  "wlstp.32 lr, %[count], 1f\n"              \
  "2:\n"                                     \
  "vldrw.32 q0, [%[sums]], #16\n"            \
  "vldrw.32 q1, [%[bias]], #16\n"            \
  load                                       \
  "vadd.i32 q0, q0, q1\n"                    \
  STAPES_SCALE                               \
  "vadd.i32 q0, q0, %[offset]\n"             \
  STAPES_BOUND("%q[low]", "%q[high]")        \
  "vstrb.32 q0, [%[outputs]], #4\n"          \
  "letp lr, 2b\n"                            \
  "1:\n"
// clang-format on

void ScaleByOne(const Scaling& scaling, const int32_t* sums, int32_t count, int8_t* outputs) {
  const int32_t* bias = scaling.bias;
  __asm__ volatile(
      "vdup.32 q2, %[significand]\n"
      "vdup.32 q3, %[shift]\n" STAPES_SCALE_BLOCK("")
      : [sums] "+r"(sums), [bias] "+r"(bias), [outputs] "+l"(outputs)
      : [count] "r"(count), [one] "r"(1), [offset] "r"(scaling.output_offset),
        [significand] "r"(scaling.Significand(0)), [shift] "r"(scaling.Shift(0)),
        [low] "w"(vdupq_n_s32(scaling.low)), [high] "w"(vdupq_n_s32(scaling.high))
      : "lr", "q0", "q1", "q2", "q3", "memory");
}

void ScaleByChannel(const Scaling& scaling, const int32_t* sums, int32_t count, int8_t* outputs) {
  const int32_t* bias = scaling.bias;
  const int32_t* significands = scaling.significands;
  const int8_t* shifts = scaling.shifts;
  __asm__ volatile(STAPES_SCALE_BLOCK("vldrw.32 q2, [%[significands]], #16\n"
                                      "vldrb.s32 q3, [%[shifts]], #4\n")
                   : [sums] "+r"(sums), [bias] "+r"(bias), [outputs] "+l"(outputs),
                     [significands] "+r"(significands), [shifts] "+l"(shifts)
                   : [count] "r"(count), [one] "r"(1), [offset] "r"(scaling.output_offset),
                     [low] "w"(vdupq_n_s32(scaling.low)), [high] "w"(vdupq_n_s32(scaling.high))
                   : "lr", "q0", "q1", "q2", "q3", "memory");
}

}  // namespace

void Scaling::Block(const int32_t* sums, int32_t count, int8_t* outputs) const {
  if (!fast || bias == nullptr) {
    for (int32_t i = 0; i < count; ++i) {
      outputs[i] = (*this)(i, sums[i]);
    }
  } else if (channel_step == 0) {
    ScaleByOne(*this, sums, count, outputs);
  } else {
    ScaleByChannel(*this, sums, count, outputs);
  }
}

void helium::ScaleInPlace(Multiplier multiplier, int32_t low, int32_t high, int32_t* sums,
                          int32_t count) {
  if (!ScalesDown(multiplier.shift)) {
    for (int32_t i = 0; i < count; ++i) {
      sums[i] =
          Clamp(stapes::RequantizeAny(sums[i], multiplier.value, multiplier.shift), low, high);
    }
    return;
  }
  __asm__ volatile(
      "vdup.32 q2, %[significand]\n"
      "vdup.32 q3, %[shift]\n"
      "wlstp.32 lr, %[count], 1f\n"
      "2:\n"
      "vldrw.32 q0, [%[sums]]\n" STAPES_SCALE STAPES_BOUND("%q[low]", "%q[high]")
      "vstrw.32 q0, [%[sums]], #16\n"
      "letp lr, 2b\n"
      "1:\n"
      : [sums] "+r"(sums)
      : [count] "r"(count), [one] "r"(1), [significand] "r"(multiplier.value), [shift] "r"(multiplier.shift),
        [low] "w"(vdupq_n_s32(low)), [high] "w"(vdupq_n_s32(high))
      : "lr", "q0", "q1", "q2", "q3", "memory");
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

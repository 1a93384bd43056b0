// SPDX-License-Identifier: Apache-2.0
// Sums of int8 values with Helium, four at a time. One of the inputs has the larger scale, whose
// multiplier is 1/2: its terms need a shift alone.
#include "nn/kernels/add.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {
namespace {

// As Requantize: VRSHL rounds ties upwards, so negative numbers are first lowered by one: that
// makes them ties away from zero. Nothing is rounded by a shift of 0.
#define STAPES_ROUND(values, shifts) \
  "vand q2, " values ", " shifts     \
  "\n"                               \
  "vshr.s32 q2, q2, #31\n"           \
  "vadd.i32 " values ", " values     \
  ", q2\n"                           \
  "vrshl.s32 " values ", " values ", " shifts "\n"

void AddHalved(const AddScaling& scaling, const int8_t* halved, int32_t halved_offset,
               const int8_t* scaled, int32_t scaled_offset, Multiplier multiplier, int32_t count,
               int8_t* output) {
  __asm__ volatile(
      "wlstp.32 lr, %[count], 1f\n"
      "2:\n"
      "vldrb.s32 q0, [%[halved]], #4\n"
      "vldrb.s32 q1, [%[scaled]], #4\n"
      "vadd.i32 q0, q0, %[halved_offset]\n"
      "vadd.i32 q1, q1, %[scaled_offset]\n"
      "vshl.i32 q0, q0, #19\n"
      "vshl.i32 q1, q1, #20\n"
      "vqrdmulh.s32 q1, q1, %[significand]\n" STAPES_ROUND("q1", "%q[shifts]")
      "vadd.i32 q0, q0, q1\n"
      "vqrdmulh.s32 q0, q0, %[output_significand]\n" STAPES_ROUND("q0", "%q[output_shifts]")
      "vadd.i32 q0, q0, %[output_offset]\n"
      "vmax.s32 q0, q0, %q[low]\n"
      "vmin.s32 q0, q0, %q[high]\n"
      "vstrb.32 q0, [%[output]], #4\n"
      "letp lr, 2b\n"
      "1:\n"
      : [halved] "+l"(halved), [scaled] "+l"(scaled), [output] "+l"(output)
      : [count] "r"(count), [halved_offset] "r"(halved_offset), [scaled_offset] "r"(scaled_offset),
        [significand] "r"(multiplier.value), [shifts] "w"(vdupq_n_s32(multiplier.shift)),
        [output_significand] "r"(scaling.output.value),
        [output_shifts] "w"(vdupq_n_s32(scaling.output.shift)),
        [output_offset] "r"(scaling.output_offset), [low] "w"(vdupq_n_s32(scaling.low)),
        [high] "w"(vdupq_n_s32(scaling.high))
      : "lr", "q0", "q1", "q2", "memory");
}
static_assert(kAddSubShift == 20, "AddHalved shifts by it");

}  // namespace

void AddAll(const AddScaling& scaling, const int8_t* first, const int8_t* second, int32_t count,
            int8_t* output) {
  if (IsHalf(scaling.first)) {
    AddHalved(scaling, first, scaling.first_offset, second, scaling.second_offset, scaling.second,
              count, output);
  } else {
    AddHalved(scaling, second, scaling.second_offset, first, scaling.first_offset, scaling.first,
              count, output);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

// SPDX-License-Identifier: Apache-2.0
// Stages of the FFT with Helium, several butterflies at a time; the bits of fft.cc and butterfly.h.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/complex_int.h"

namespace stapes {
namespace helium {

// Joins sub-transforms of 2 numbers to such of 4, two at a time.
inline void JoinPairs(ComplexInt* values, uint32_t size) {
  // A vector holds a number of this group of four and one of the next. The first load moves on.
  uint64x2_t places = vcreateq_u64(reinterpret_cast<uintptr_t>(values - 8),
                                   reinterpret_cast<uintptr_t>(values - 4));
  __asm__ volatile(
      "dls lr, %[count]\n"
      "1:\n"
      "vldrd.u64 q0, [%q[places], #64]!\n"
      "vldrd.u64 q1, [%q[places], #8]\n"
      "vldrd.u64 q2, [%q[places], #16]\n"
      "vldrd.u64 q3, [%q[places], #24]\n"
      "vadd.i32 q4, q0, q2\n"
      "vsub.i32 q0, q0, q2\n"
      "vcadd.i32 q2, q1, q3, #270\n"
      "vcadd.i32 q5, q1, q3, #90\n"
      "vstrd.64 q4, [%q[places]]\n"
      "vstrd.64 q2, [%q[places], #8]\n"
      "vstrd.64 q0, [%q[places], #16]\n"
      "vstrd.64 q5, [%q[places], #24]\n"
      "le lr, 1b\n"
      : [places] "+w"(places)
      : [count] "r"(size / 8)
      : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "memory");
}

// Joins sub-transforms of `quarter` numbers, a multiple of 4, to transforms of four times as many:
// butterflies (butterfly.h), four at a time.
__attribute__((always_inline)) inline void Stage(ComplexInt* values, uint32_t size,
                                                 uint32_t quarter, const int32_t* twiddles) {
  constexpr uint32_t kAngle = 6 * sizeof(int32_t);
  ComplexInt* v0 = values;
  ComplexInt* v1 = v0 + quarter;
  ComplexInt* v2 = v1 + quarter;
  ComplexInt* v3 = v2 + quarter;
  // Where the angles of the four before the first are; where those of these four are; a vector
  // that is put aside while all registers are in use.
  uint32_t kept[12];
  vst1q_u32(kept, vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), kAngle),
                              reinterpret_cast<uintptr_t>(twiddles) - 4 * kAngle));
  __asm__ volatile(
      "1:\n"
      "vldrw.u32 q7, [%[kept]]\n"
      "dls lr, %[count]\n"
      "vstrw.32 q7, [%[kept], #16]\n"
      "2:\n"
      "vldrw.u32 q7, [%[kept], #16]\n"
      "vld20.32 {q0, q1}, [%[v2]]\n"  // t1 = v2 turned by a: q4, q5
      "vld21.32 {q0, q1}, [%[v2]]\n"
      "vldrw.u32 q2, [q7, #96]!\n"
      "vldrw.u32 q3, [q7, #4]\n"
      "vrmulh.s32 q4, q0, q2\n"
      "vrmulh.s32 q5, q1, q3\n"
      "vadd.i32 q4, q4, q5\n"
      "vrmulh.s32 q5, q1, q2\n"
      "vneg.s32 q0, q0\n"
      "vrmulh.s32 q0, q0, q3\n"
      "vadd.i32 q5, q5, q0\n"
      "vld20.32 {q0, q1}, [%[v3]]\n"  // t3 = v3 turned by 3a: q6, q2
      "vld21.32 {q0, q1}, [%[v3]]\n"
      "vldrw.u32 q2, [q7, #16]\n"
      "vldrw.u32 q3, [q7, #20]\n"
      "vrmulh.s32 q6, q0, q2\n"
      "vneg.s32 q0, q0\n"
      "vrmulh.s32 q2, q1, q2\n"
      "vrmulh.s32 q1, q1, q3\n"
      "vadd.i32 q6, q6, q1\n"
      "vrmulh.s32 q0, q0, q3\n"
      "vadd.i32 q2, q2, q0\n"
      "vadd.i32 q0, q4, q6\n"  // t1 + t3: q0, q1
      "vsub.i32 q4, q6, q4\n"  // t3 - t1: q4; the imaginary part of t1 - t3: q5
      "vadd.i32 q1, q5, q2\n"
      "vsub.i32 q5, q5, q2\n"
      "vldrw.u32 q2, [q7, #8]\n"
      "vldrw.u32 q3, [q7, #12]\n"
      "vstrw.32 q7, [%[kept], #16]\n"
      "vstrw.32 q5, [%[kept], #32]\n"
      "vld20.32 {q6, q7}, [%[v1]]\n"  // t2 = v1 turned by 2a: q5, q2
      "vld21.32 {q6, q7}, [%[v1]]\n"
      "vrmulh.s32 q5, q6, q2\n"
      "vneg.s32 q6, q6\n"
      "vrmulh.s32 q2, q7, q2\n"
      "vrmulh.s32 q7, q7, q3\n"
      "vadd.i32 q5, q5, q7\n"
      "vrmulh.s32 q6, q6, q3\n"
      "vadd.i32 q2, q2, q6\n"
      "vld20.32 {q6, q7}, [%[v0]]\n"
      "vld21.32 {q6, q7}, [%[v0]]\n"
      "vadd.i32 q5, q5, q5\n"
      "vadd.i32 q2, q2, q2\n"
      "vsub.i32 q3, q7, q2\n"  // v0 - 2 t2: q2, q3
      "vadd.i32 q7, q7, q2\n"  // v0 + 2 t2: q6, q7
      "vsub.i32 q2, q6, q5\n"
      "vadd.i32 q6, q6, q5\n"
      "vldrw.u32 q5, [%[kept], #32]\n"
      "vmla.s32 q6, q0, %[two]\n"
      "vmla.s32 q7, q1, %[two]\n"
      "vst20.32 {q6, q7}, [%[v0]]\n"
      "vst21.32 {q6, q7}, [%[v0]]!\n"
      "vmla.s32 q6, q0, %[minus_four]\n"
      "vmla.s32 q7, q1, %[minus_four]\n"
      "vst20.32 {q6, q7}, [%[v2]]\n"
      "vst21.32 {q6, q7}, [%[v2]]!\n"
      "vmla.s32 q2, q5, %[two]\n"
      "vmla.s32 q3, q4, %[two]\n"
      "vst20.32 {q2, q3}, [%[v1]]\n"
      "vst21.32 {q2, q3}, [%[v1]]!\n"
      "vmla.s32 q2, q5, %[minus_four]\n"
      "vmla.s32 q3, q4, %[minus_four]\n"
      "vst20.32 {q2, q3}, [%[v3]]\n"
      "vst21.32 {q2, q3}, [%[v3]]!\n"
      "le lr, 2b\n"
      "mov %[v0], %[v3]\n"  // three quarters on: the next transform
      "add %[v1], %[v1], %[rest]\n"
      "add %[v2], %[v2], %[rest]\n"
      "add %[v3], %[v3], %[rest]\n"
      "cmp %[v0], %[end]\n"
      "bne 1b\n"
      : [v0] "+r"(v0), [v1] "+r"(v1), [v2] "+r"(v2), [v3] "+r"(v3)
      : [count] "r"(quarter / 4), [kept] "r"(kept), [end] "r"(values + size),
        [rest] "r"(3 * quarter * sizeof(ComplexInt)), [two] "r"(2), [minus_four] "r"(-4)
      : "lr", "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "memory");
}

}  // namespace helium
}  // namespace stapes

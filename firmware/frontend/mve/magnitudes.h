// SPDX-License-Identifier: Apache-2.0
// Four magnitudes at a time with Helium; the bits of magnitudes.cc.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/magnitudes.h"
#include "frontend/square_root.h"

namespace stapes {
namespace helium {

// `count` of them, 4 or more; all pointers move on. If `count` is no multiple of 4, the second four
// begin so early that they repeat some of the first four.
inline void Magnitudes(BinPlace* place, uint32_t count, uint32_t* magnitudes) {
  constexpr uint32_t kNumber = sizeof(ComplexInt);
  // Minus a half in Q31 for numbers below 2^22; its last byte, a distance to shift, is -32.
  constexpr int32_t kMinusHalf = -(1 << 30) + 0xE0;
  const uint32_t again = (0u - count) % 4 * kNumber;
  register uint32_t fours __asm__("lr") = again == 0 ? count / 4 : 1;
  uint32_t rest = again == 0 ? 0 : count / 4;
  // Four numbers past the first ones, because each load moves on before it reads.
  uint32x4_t high = vsubq_u32(vdupq_n_u32(reinterpret_cast<uintptr_t>(place->high + 4)),
                              vmulq_n_u32(vidupq_n_u32(0, 1), kNumber));
  place->high -= count;
  __asm__ volatile(
      "dls lr, lr\n"
      "1:\n"
      "vld20.32 {q0, q1}, [%[low]]\n"
      "vld21.32 {q0, q1}, [%[low]]!\n"
      "vldrw.u32 q2, [%q[high], #-32]!\n"
      "vldrw.u32 q3, [%q[high], #4]\n"
      "vadd.i32 q4, q1, q3\n"  // difference turned by -90 degrees: q4, q5; sum: q0, q1
      "vsub.i32 q1, q1, q3\n"
      "vsub.i32 q5, q2, q0\n"
      "vadd.i32 q0, q0, q2\n"
      "vld20.32 {q2, q3}, [%[twiddle]]\n"
      "vld21.32 {q2, q3}, [%[twiddle]]!\n"
      "vrmulh.s32 q6, q4, q2\n"
      "vrmulh.s32 q2, q5, q2\n"
      "vrmulh.s32 q5, q5, q3\n"
      "vadd.i32 q6, q6, q5\n"
      "vneg.s32 q4, q4\n"
      "vrmulh.s32 q4, q4, q3\n"
      "vadd.i32 q2, q2, q4\n"
      "vmla.s32 q0, q6, %[two]\n"
      "vmla.s32 q1, q2, %[two]\n"
      "vmulh.s32 q2, q0, q0\n"  // the power: q2, q0
      "vmul.i32 q0, q0, q0\n"
      "vmulh.s32 q3, q1, q1\n"
      "vmul.i32 q1, q1, q1\n"
      "vadd.i32 q2, q2, q3\n"
      "vadd.i32 q0, q0, q1\n"
      "vpt.u32 hi, q1, q0\n"
      "vaddt.i32 q2, q2, %[one]\n"
      "vclz.i32 q3, q2\n"  // Normalize<true>: mantissa q2; minus half of the zeros: q5
      "vptt.i32 eq, q2, zr\n"
      "vclzt.i32 q4, q0\n"
      "vaddt.i32 q3, q3, q4\n"
      "vbic.i32 q3, #1\n"
      "vqdmulh.s32 q5, q3, %[minus_half]\n"
      "vshl.u32 q2, q2, q3\n"
      "vadd.i32 q3, q3, %[minus_half]\n"
      "vshl.u32 q0, q0, q3\n"
      "vorr q2, q2, q0\n"
      "vshr.u32 q0, q2, #24\n"  // Interpolate
      "vqsub.u32 q0, q0, %[first]\n"
      "vldrh.u32 q3, [%[roots], q0, uxtw #1]\n"
      "vldrh.u32 q4, [%[next_roots], q0, uxtw #1]\n"
      "vsub.i32 q4, q4, q3\n"
      "vshr.u32 q2, q2, #8\n"
      "vmullb.u16 q4, q4, q2\n"
      "vmla.s32 q4, q3, %[one_q16]\n"
      "vshl.u32 q4, q4, q5\n"  // 0 where the power is 0: by 32
      "vstrw.32 q4, [%[out]], #16\n"
      "le lr, 1b\n"
      "cbz %[rest], 2f\n"
      "dls lr, %[rest]\n"
      "sub %[low], %[low], %[again]\n"
      "sub %[twiddle], %[twiddle], %[again]\n"
      "sub %[out], %[out], %[again], lsr #1\n"
      "vadd.i32 %q[high], %q[high], %[again]\n"
      "mov %[rest], #0\n"
      "b 1b\n"
      "2:\n"
      : [low] "+r"(place->low), [twiddle] "+r"(place->twiddle), [out] "+r"(magnitudes),
        [high] "+w"(high), [rest] "+l"(rest), "+r"(fours)
      : [again] "r"(again), [one] "r"(1), [two] "r"(2), [minus_half] "r"(kMinusHalf),
        [first] "r"(kSquareRootFirst), [roots] "r"(kSquareRootTable.values),
        [next_roots] "r"(kSquareRootTable.values + 1), [one_q16] "r"(1 << 16)
      : "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "memory");
}

}  // namespace helium
}  // namespace stapes

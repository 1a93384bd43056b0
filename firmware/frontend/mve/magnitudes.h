// SPDX-License-Identifier: Apache-2.0
// Four magnitudes at a time with Helium; the bits of magnitudes.cc.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/magnitudes.h"
#include "frontend/square_root.h"

namespace stapes {
namespace helium {

// `fours` times four of them, 1 or more; all pointers move on.
inline void Magnitudes(BinPlace* place, uint32_t fours, uint32_t*& magnitudes) {
  constexpr uint32_t kNumber = sizeof(ComplexInt);
  uint32x4_t high = vsubq_u32(vdupq_n_u32(reinterpret_cast<uintptr_t>(place->high)),
                              vmulq_n_u32(vidupq_n_u32(0, 1), kNumber));
  place->high -= 4 * fours;
  __asm__ volatile(
      "dls lr, %[fours]\n"
      "1:\n"
      "vld20.32 {q0, q1}, [%[low]]\n"
      "vld21.32 {q0, q1}, [%[low]]!\n"
      "vldrw.u32 q2, [%q[high]]\n"
      "vldrw.u32 q3, [%q[high], #4]\n"
      "vadd.i32 %q[high], %q[high], %[backwards]\n"
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
      "vcmp.i32 eq, q2, zr\n"  // Normalize<true>: mantissa q1, half of the zeros q5
      "vpsel q1, q0, q2\n"
      "vclz.i32 q3, q1\n"
      "vbic.i32 q3, #1\n"
      "vshr.u32 q5, q3, #1\n"
      "vpstt\n"
      "vmovt.i32 q0, #0\n"
      "vaddt.i32 q5, q5, %[sixteen]\n"
      "vshl.u32 q1, q1, q3\n"
      "vadd.i32 q4, q3, %[minus_32]\n"
      "vshl.u32 q4, q0, q4\n"
      "vorr q1, q1, q4\n"
      "vshr.u32 q0, q1, #24\n"  // Interpolate
      "vqsub.u32 q0, q0, %[first]\n"
      "vldrh.u32 q3, [%[roots], q0, uxtw #1]\n"
      "vldrh.u32 q4, [%[next_roots], q0, uxtw #1]\n"
      "vsub.i32 q4, q4, q3\n"
      "vshr.u32 q1, q1, #8\n"
      "vmovlb.u16 q1, q1\n"
      "vshl.i32 q3, q3, #16\n"
      "vmul.i32 q4, q4, q1\n"
      "vadd.i32 q3, q3, q4\n"
      "vneg.s32 q5, q5\n"
      "vshl.u32 q3, q3, q5\n"  // 0 where the power is 0: by 32
      "vstrw.32 q3, [%[out]], #16\n"
      "le lr, 1b\n"
      : [low] "+r"(place->low), [twiddle] "+r"(place->twiddle), [out] "+r"(magnitudes),
        [high] "+w"(high)
      : [fours] "r"(fours), [backwards] "r"(-4 * static_cast<int>(kNumber)), [one] "r"(1),
        [two] "r"(2), [sixteen] "r"(16), [minus_32] "r"(-32), [first] "r"(kSquareRootFirst),
        [roots] "r"(kSquareRootTable.values), [next_roots] "r"(kSquareRootTable.values + 1)
      : "lr", "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "memory");
}

}  // namespace helium
}  // namespace stapes

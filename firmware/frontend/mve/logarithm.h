// SPDX-License-Identifier: Apache-2.0
// Four logarithms at a time with Helium; the bits of FlooredLog (mel.h).
#pragma once

#include <cstdint>

#include "frontend/logarithm.h"

namespace stapes {
namespace helium {

inline void FourFlooredLogs(const uint64_t channels[4], int channel_bits, int32_t floor,
                            int32_t* logs) {
  __asm__ volatile(
      "vld20.32 {q0, q1}, [%[channels]]\n"  // lower words: q0, upper words: q1
      "vld21.32 {q0, q1}, [%[channels]]\n"
      "vcmp.i32 eq, q1, zr\n"  // Normalize<false>: mantissa q2; exponent: q4
      "vpsel q2, q0, q1\n"
      "vclz.i32 q3, q2\n"
      "vdup.32 q4, %[exponent]\n"
      "vsub.i32 q4, q4, q3\n"
      "vpstt\n"
      "vmovt.i32 q0, #0\n"
      "vaddt.i32 q4, q4, %[minus_32]\n"
      "vshl.u32 q2, q2, q3\n"
      "vadd.i32 q3, q3, %[minus_32]\n"
      "vshl.u32 q0, q0, q3\n"
      "vorr q2, q2, q0\n"
      "vshr.u32 q0, q2, #24\n"  // Interpolate; of 0 the first entry
      "vqsub.u32 q0, q0, %[first]\n"
      "vldrh.u32 q1, [%[table], q0, uxtw #1]\n"
      "vldrh.u32 q3, [%[next], q0, uxtw #1]\n"
      "vsub.i32 q3, q3, q1\n"
      "vshr.u32 q5, q2, #8\n"
      "vmovlb.u16 q5, q5\n"
      "vshl.i32 q1, q1, #16\n"
      "vmul.i32 q3, q3, q5\n"
      "vadd.i32 q1, q1, q3\n"
      "vshr.u32 q1, q1, #15\n"
      "vshl.i32 q4, q4, #17\n"
      "vadd.i32 q1, q1, q4\n"
      "vdup.32 q5, %[ln2]\n"
      "vrmulh.s32 q1, q1, q5\n"
      "vdup.32 q5, %[floor]\n"
      "vmax.s32 q1, q1, q5\n"
      "vpt.i32 eq, q2, zr\n"
      "vorrt q1, q5, q5\n"
      "vstrw.32 q1, [%[logs]]\n"
      :
      : [channels] "r"(channels), [logs] "r"(logs), [exponent] "r"(63 - channel_bits),
        [minus_32] "r"(-32), [first] "r"(kLogFirst), [table] "r"(kLogTable.values),
        [next] "r"(kLogTable.values + 1), [ln2] "r"(kLn2Q31), [floor] "r"(floor)
      : "cc", "q0", "q1", "q2", "q3", "q4", "q5", "memory");
}

}  // namespace helium
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Four logarithms at a time with Helium; the bits of FlooredLog (mel.h).
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/logarithm.h"

namespace stapes {
namespace helium {

// Of `count` channels, 1 or more.
inline void FlooredLogs(const uint64_t* channels, uint32_t count, int channel_bits, int32_t floor,
                        int32_t* logs) {
  // Four channels before the first ones, because each load moves on before it reads.
  uint32x4_t places = vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), sizeof(uint64_t)),
                                  reinterpret_cast<uintptr_t>(channels) - sizeof(uint64_t[4]));
  __asm__ volatile(
      "dlstp.32 lr, %[count]\n"
      "1:\n"
      "vldrw.u32 q0, [%q[places], #32]!\n"  // lower words: q0, upper words: q1
      "vldrw.u32 q1, [%q[places], #4]\n"
      "vclz.i32 q2, q1\n"  // Normalize<false>: zeros q2, mantissa q1
      "vptt.i32 eq, q1, zr\n"
      "vclzt.i32 q3, q0\n"
      "vaddt.i32 q2, q2, q3\n"
      "vadd.i32 q3, q2, %[minus_32]\n"
      "vshl.u32 q1, q1, q2\n"
      "vshl.u32 q0, q0, q3\n"
      "vorr q1, q1, q0\n"
      "vshr.u32 q0, q1, #24\n"  // Interpolate; of 0 the first entry
      "vqsub.u32 q0, q0, %[first]\n"
      "vldrh.u32 q3, [%[table], q0, uxtw #1]\n"
      "vldrh.u32 q4, [%[next], q0, uxtw #1]\n"
      "vsub.i32 q4, q4, q3\n"
      "vshr.u32 q1, q1, #8\n"
      "vmullb.u16 q4, q4, q1\n"
      "vmla.s32 q4, q3, %[one_q16]\n"
      "vshr.u32 q4, q4, #15\n"
      "vmla.s32 q4, q2, %[minus_one]\n"
      "vadd.i32 q4, q4, %[exponent]\n"
      "vrmulh.s32 q4, q4, %q[ln2]\n"
      "vmax.s32 q4, q4, %q[floor]\n"
      "vpt.i32 eq, q2, %[all_zeros]\n"
      "vorrt q4, %q[floor], %q[floor]\n"
      "vstrw.32 q4, [%[logs]], #16\n"
      "letp lr, 1b\n"
      : [logs] "+r"(logs), [places] "+w"(places)
      : [count] "r"(count), [exponent] "r"((63 - channel_bits) * (1 << 17)),
        [minus_one] "r"(-(1 << 17)), [minus_32] "r"(-32), [all_zeros] "r"(64),
        [first] "r"(kLogFirst), [table] "r"(kLogTable.values), [next] "r"(kLogTable.values + 1),
        [one_q16] "r"(1 << 16), [ln2] "w"(vdupq_n_s32(kLn2Q31)), [floor] "w"(vdupq_n_s32(floor))
      : "lr", "cc", "q0", "q1", "q2", "q3", "q4", "memory");
}

}  // namespace helium
}  // namespace stapes

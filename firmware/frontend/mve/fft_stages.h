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
  // A vector holds a number of this group of four and one of the next.
  const uint64x2_t groups = vcreateq_u64(0, sizeof(ComplexInt[4]));
  for (uint32_t count = size / 8; count != 0; --count, values += 8) {
    int64_t* const place = reinterpret_cast<int64_t*>(values);
    const auto load = [&](int index) {
      return vreinterpretq_s32_s64(vldrdq_gather_offset_s64(place + index, groups));
    };
    const auto store = [&](int index, int32x4_t numbers) {
      vstrdq_scatter_offset_s64(place + index, groups, vreinterpretq_s64_s32(numbers));
    };
    const int32x4_t a = load(0), b = load(1), c = load(2), d = load(3);
    store(0, vaddq_s32(a, c));
    store(1, vcaddq_rot270_s32(b, d));
    store(2, vsubq_s32(a, c));
    store(3, vcaddq_rot90_s32(b, d));
  }
}

// Four times `count` butterflies (butterfly.h) on the numbers from v0, v1, v2 and v3 on. `angles`:
// where the cosines and sines of the first four are.
inline void Butterflies(ComplexInt* v0, uint32_t quarter, uint32_t count, uint32x4_t angles) {
  ComplexInt* v1 = v0 + quarter;
  ComplexInt* v2 = v1 + quarter;
  ComplexInt* v3 = v2 + quarter;
  uint32_t kept[8];  // the angles and another vector, while all registers are in use
  vst1q_u32(kept, angles);
  __asm__ volatile(
      "dls lr, %[count]\n"
      "1:\n"
      "vldrw.u32 q7, [%[kept]]\n"
      "vld20.32 {q0, q1}, [%[v2]]\n"  // t1 = v2 turned by a: q4, q5
      "vld21.32 {q0, q1}, [%[v2]]\n"
      "vldrw.u32 q2, [q7]\n"
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
      "vsub.i32 q4, q4, q6\n"  // t1 - t3: q4, q5
      "vadd.i32 q1, q5, q2\n"
      "vsub.i32 q5, q5, q2\n"
      "vldrw.u32 q2, [q7, #8]\n"
      "vldrw.u32 q3, [q7, #12]\n"
      "vadd.i32 q7, q7, %[angle_bytes]\n"
      "vstrw.32 q7, [%[kept]]\n"
      "vstrw.32 q5, [%[kept], #16]\n"
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
      "vldrw.u32 q5, [%[kept], #16]\n"
      "vmla.s32 q6, q0, %[two]\n"
      "vmla.s32 q7, q1, %[two]\n"
      "vst20.32 {q6, q7}, [%[v0]]\n"
      "vst21.32 {q6, q7}, [%[v0]]!\n"
      "vmla.s32 q6, q0, %[minus_four]\n"
      "vmla.s32 q7, q1, %[minus_four]\n"
      "vst20.32 {q6, q7}, [%[v2]]\n"
      "vst21.32 {q6, q7}, [%[v2]]!\n"
      "vmla.s32 q2, q5, %[two]\n"
      "vmla.s32 q3, q4, %[minus_two]\n"
      "vst20.32 {q2, q3}, [%[v1]]\n"
      "vst21.32 {q2, q3}, [%[v1]]!\n"
      "vmla.s32 q2, q5, %[minus_four]\n"
      "vmla.s32 q3, q4, %[four]\n"
      "vst20.32 {q2, q3}, [%[v3]]\n"
      "vst21.32 {q2, q3}, [%[v3]]!\n"
      "le lr, 1b\n"
      : [v0] "+r"(v0), [v1] "+r"(v1), [v2] "+r"(v2), [v3] "+r"(v3)
      : [count] "r"(count), [angle_bytes] "r"(4 * 6 * sizeof(int32_t)), [kept] "r"(kept),
        [two] "r"(2), [minus_two] "r"(-2), [four] "r"(4), [minus_four] "r"(-4)
      : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "memory");
}

// Joins sub-transforms of `quarter` numbers, a multiple of 4, to transforms of four times as many.
inline void Stage(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  const uint32x4_t angles = vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), 6 * sizeof(int32_t)),
                                        reinterpret_cast<uintptr_t>(twiddles));
  for (const ComplexInt* end = values + size; values != end; values += 4 * quarter) {
    Butterflies(values, quarter, quarter / 4, angles);
  }
}

}  // namespace helium
}  // namespace stapes

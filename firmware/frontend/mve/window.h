// SPDX-License-Identifier: Apache-2.0
// Windowing of four pairs and their partners at a time with Helium; the bits of window.cc.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/complex_int.h"

namespace stapes {
namespace helium {

// The first 4 * `fours` pairs, 1 or more, of those that WindowBoth windows.
inline void WindowFours(const int16_t* first, const int16_t* second, const int32_t* rising,
                        const int32_t* falling, uint32_t fours, int shift, int size_log2,
                        ComplexInt* output) {
  // Reversed, it is a distance in bytes.
  const uint32_t step = 1u << (29 - size_log2);
  const uint32x4_t lanes = vidupq_n_u32(0, 1);
  uint32x4_t index = vmulq_n_u32(lanes, step);
  // Four pairs before the first ones: the first load moves on.
  uint32x4_t weights = vsubq_u32(vdupq_n_u32(reinterpret_cast<uintptr_t>(falling + 8)),
                                 vmulq_n_u32(lanes, 2 * sizeof(int32_t)));
  const uint32x4_t upper_half = vdupq_n_u32(0xFFFF0000u);
  int32_t* const place = &output->re;
  __asm__ volatile(
      "dls lr, %[fours]\n"
      "1:\n"
      "vldrw.u32 q0, [%[first]], #16\n"  // q1, q0
      "vshl.i32 q1, q0, #16\n"
      "vand q0, q0, %q[upper_half]\n"
      "vld20.32 {q2, q3}, [%[rising]]\n"
      "vld21.32 {q2, q3}, [%[rising]]!\n"
      "vmulh.s32 q1, q1, q2\n"
      "vmulh.s32 q0, q0, q3\n"
      "vrshl.s32 q1, %[shift]\n"
      "vrshl.s32 q0, %[shift]\n"
      "vldrw.u32 q2, [%[second]], #16\n"  // q3, q2
      "vshl.i32 q3, q2, #16\n"
      "vand q2, q2, %q[upper_half]\n"
      "vldrw.u32 q4, [%q[weights], #-32]!\n"
      "vmulh.s32 q3, q3, q4\n"
      "vldrw.u32 q4, [%q[weights], #-4]\n"
      "vmulh.s32 q2, q2, q4\n"
      "vrshl.s32 q3, %[shift]\n"
      "vrshl.s32 q2, %[shift]\n"
      "vadd.i32 q4, q1, q3\n"
      "vsub.i32 q1, q1, q3\n"
      "vadd.i32 q3, q0, q2\n"
      "vsub.i32 q0, q0, q2\n"
      "vbrsr.32 q2, %q[index], %[all_bits]\n"
      "vadd.i32 %q[index], %q[index], %[four_steps]\n"
      "vstrw.32 q4, [%[place0], q2]\n"
      "vstrw.32 q3, [%[place1], q2]\n"
      "vstrw.32 q1, [%[place2], q2]\n"
      "vstrw.32 q0, [%[place3], q2]\n"
      "le lr, 1b\n"
      : [first] "+r"(first), [second] "+r"(second), [rising] "+r"(rising), [weights] "+w"(weights),
        [index] "+w"(index)
      : [fours] "r"(fours), [upper_half] "w"(upper_half), [shift] "r"(-shift), [all_bits] "r"(32),
        [four_steps] "r"(4 * step), [place0] "r"(place), [place1] "r"(place + 1),
        [place2] "r"(place + 2), [place3] "r"(place + 3)
      : "lr", "q0", "q1", "q2", "q3", "q4", "memory");
}

// Pairs whose partner is 0, from number `index` on: the bits of PutAlone. The weights of each
// sample are `direction`, 1 or -1, after those of the one before.
inline void WindowAlone(const int16_t* samples, const int32_t* weights, int direction,
                        uint32_t index, uint32_t count, int shift, int size_log2,
                        ComplexInt* output) {
  const uint32_t step = 1u << (29 - size_log2);
  const uint32x4_t lanes = vidupq_n_u32(0, 1);
  const int bytes = direction * static_cast<int>(sizeof(int32_t));
  uint32x4_t places = vmulq_n_u32(vaddq_n_u32(lanes, index), step);
  uint32x4_t first = vaddq_n_u32(vmulq_n_u32(lanes, static_cast<uint32_t>(2 * bytes)),
                                 reinterpret_cast<uintptr_t>(weights));
  uint32x4_t second = vaddq_n_u32(first, static_cast<uint32_t>(bytes));
  const uint32x4_t upper_half = vdupq_n_u32(0xFFFF0000u);
  int32_t* const place = &output->re;
  __asm__ volatile(
      "wlstp.32 lr, %[count], 1f\n"
      "2:\n"
      "vldrw.u32 q0, [%[samples]], #16\n"  // q1, q0
      "vshl.i32 q1, q0, #16\n"
      "vand q0, q0, %q[upper_half]\n"
      "vldrw.u32 q2, [%q[first]]\n"
      "vmulh.s32 q1, q1, q2\n"
      "vldrw.u32 q2, [%q[second]]\n"
      "vmulh.s32 q0, q0, q2\n"
      "vrshl.s32 q1, %[shift]\n"
      "vrshl.s32 q0, %[shift]\n"
      "vadd.i32 %q[first], %q[first], %[onwards]\n"
      "vadd.i32 %q[second], %q[second], %[onwards]\n"
      "vbrsr.32 q2, %q[places], %[all_bits]\n"
      "vadd.i32 %q[places], %q[places], %[four_steps]\n"
      "vstrw.32 q1, [%[place0], q2]\n"
      "vstrw.32 q0, [%[place1], q2]\n"
      "vstrw.32 q1, [%[place2], q2]\n"
      "vstrw.32 q0, [%[place3], q2]\n"
      "letp lr, 2b\n"
      "1:\n"
      : [samples] "+r"(samples), [first] "+w"(first), [second] "+w"(second), [places] "+w"(places)
      : [count] "r"(count), [upper_half] "w"(upper_half), [shift] "r"(-shift),
        [onwards] "r"(4 * 2 * bytes), [all_bits] "r"(32), [four_steps] "r"(4 * step),
        [place0] "r"(place), [place1] "r"(place + 1), [place2] "r"(place + 2),
        [place3] "r"(place + 3)
      : "lr", "q0", "q1", "q2", "memory");
}

}  // namespace helium
}  // namespace stapes

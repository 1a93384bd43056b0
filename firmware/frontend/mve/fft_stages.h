// SPDX-License-Identifier: Apache-2.0
// Stages of the FFT with Helium, several butterflies at a time; the bits of fft.cc and butterfly.h.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/complex_int.h"

namespace stapes {
namespace helium {

constexpr uint32_t kAngleBytes = 6 * sizeof(int32_t);

#define STAPES_LOAD(re, im, place, last) \
  "vld20.32 {" re ", " im "}, [" place   \
  "]\n"                                  \
  "vld21.32 {" re ", " im "}, [" place "]" last "\n"

#define STAPES_STORE(re, im, place)    \
  "vst20.32 {" re ", " im "}, [" place \
  "]\n"                                \
  "vst21.32 {" re ", " im "}, [" place "]!\n"

// Four butterflies. `first_angle`: the address of the cosines of a; `keep_place`: stores q7 for the
// next four; `last`: ends the last load of v2 and of v3 ("!" moves them on); `to0` to `to3` move
// on.
#define STAPES_BUTTERFLIES(first_angle, v2, v3, last, keep_place, v1, v0, to0, to1, to2, to3) \
  STAPES_LOAD("q0", "q1", v2, last) /* t1 = v2 turned by a: q4, q5 */                         \
  "vldrw.u32 q2, " first_angle                                                                \
  "\n"                                                                                        \
  "vldrw.u32 q3, [q7, #4]\n"                                                                  \
  "vrmulh.s32 q4, q0, q2\n"                                                                   \
  "vrmulh.s32 q5, q1, q3\n"                                                                   \
  "vadd.i32 q4, q4, q5\n"                                                                     \
  "vrmulh.s32 q5, q1, q2\n"                                                                   \
  "vneg.s32 q0, q0\n"                                                                         \
  "vrmulh.s32 q0, q0, q3\n"                                                                   \
  "vadd.i32 q5, q5, q0\n" STAPES_LOAD("q0", "q1", v3, last) /* t3 = v3 turned by 3a: q6, q2 */ \
  "vldrw.u32 q2, [q7, #16]\n"                                                                 \
  "vldrw.u32 q3, [q7, #20]\n"                                                                 \
  "vrmulh.s32 q6, q0, q2\n"                                                                   \
  "vneg.s32 q0, q0\n"                                                                         \
  "vrmulh.s32 q2, q1, q2\n"                                                                   \
  "vrmulh.s32 q1, q1, q3\n"                                                                   \
  "vadd.i32 q6, q6, q1\n"                                                                     \
  "vrmulh.s32 q0, q0, q3\n"                                                                   \
  "vadd.i32 q2, q2, q0\n"                                                                     \
  "vadd.i32 q0, q4, q6\n" /* t1 + t3: q0, q1 */                                               \
  "vsub.i32 q4, q6, q4\n" /* t3 - t1: q4; the imaginary part of t1 - t3: q5 */                \
  "vadd.i32 q1, q5, q2\n"                                                                     \
  "vsub.i32 q5, q5, q2\n"                                                                     \
  "vldrw.u32 q2, [q7, #8]\n"                                                                  \
  "vldrw.u32 q3, [q7, #12]\n" keep_place                                                      \
  "vstrw.32 q5, [%[kept], #32]\n" /* while all registers are in use */                        \
  STAPES_LOAD("q6", "q7", v1, "")     /* t2 = v1 turned by 2a: q5, q2 */                      \
  "vrmulh.s32 q5, q6, q2\n"                                                                   \
  "vneg.s32 q6, q6\n"                                                                         \
  "vrmulh.s32 q2, q7, q2\n"                                                                   \
  "vrmulh.s32 q7, q7, q3\n"                                                                   \
  "vadd.i32 q5, q5, q7\n"                                                                     \
  "vrmulh.s32 q6, q6, q3\n"                                                                   \
  "vadd.i32 q2, q2, q6\n" STAPES_LOAD("q6", "q7", v0, "")                                     \
  "vadd.i32 q5, q5, q5\n"                                                                     \
  "vadd.i32 q2, q2, q2\n"                                                                     \
  "vsub.i32 q3, q7, q2\n" /* v0 - 2 t2: q2, q3 */                                             \
  "vadd.i32 q7, q7, q2\n" /* v0 + 2 t2: q6, q7 */                                             \
  "vsub.i32 q2, q6, q5\n"                                                                     \
  "vadd.i32 q6, q6, q5\n"                                                                     \
  "vldrw.u32 q5, [%[kept], #32]\n"                                                            \
  "vmla.s32 q6, q0, %[two]\n"                                                                 \
  "vmla.s32 q7, q1, %[two]\n" STAPES_STORE("q6", "q7", to0)                                   \
  "vmla.s32 q2, q5, %[two]\n"                                                                 \
  "vmla.s32 q3, q4, %[two]\n" STAPES_STORE("q2", "q3", to1)                                   \
  "vmla.s32 q6, q0, %[minus_four]\n"                                                          \
  "vmla.s32 q7, q1, %[minus_four]\n" STAPES_STORE("q6", "q7", to2)                            \
  "vmla.s32 q2, q5, %[minus_four]\n"                                                          \
  "vmla.s32 q3, q4, %[minus_four]\n" STAPES_STORE("q2", "q3", to3)

// Joins sub-transforms of 4 numbers to transforms of 16: four butterflies at a time, which follow
// each other.
__attribute__((always_inline)) inline void StageOfFours(ComplexInt* values, uint32_t size,
                                                        const int32_t* twiddles) {
  ComplexInt* v1 = values + 4;
  ComplexInt* v2 = values + 8;
  uint32_t kept[12];  // where the angles are; a vector that is put aside
  vst1q_u32(kept, vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), kAngleBytes),
                              reinterpret_cast<uintptr_t>(twiddles)));
  __asm__ volatile(
      "dls lr, %[blocks]\n"
      "1:\n"
      "vldrw.u32 q7, [%[kept]]\n"
      STAPES_BUTTERFLIES("[q7]", "%[v2]", "%[v2]", "!", "", "%[v1]", "%[values]", "%[values]",
                         "%[values]", "%[values]", "%[values]")
      "add %[v1], %[v1], #128\n"
      "add %[v2], %[v2], #64\n"
      "le lr, 1b\n"
      : [values] "+r"(values), [v1] "+r"(v1), [v2] "+r"(v2)
      : [blocks] "r"(size / 16), [kept] "r"(kept), [two] "r"(2), [minus_four] "r"(-4)
      : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "memory");
}

// Joins sub-transforms of `quarter` numbers, a multiple of 4, to transforms of four times as many.
__attribute__((always_inline)) inline void Stage(ComplexInt* values, uint32_t size,
                                                 uint32_t quarter, const int32_t* twiddles) {
  ComplexInt* v0 = values;
  ComplexInt* v1 = v0 + quarter;
  ComplexInt* v2 = v1 + quarter;
  ComplexInt* v3 = v2 + quarter;
  // Three vectors: the addresses of the angles before those of the first four butterflies; the same
  // for the next four; room to put a vector aside.
  uint32_t kept[12];
  vst1q_u32(kept, vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), kAngleBytes),
                              reinterpret_cast<uintptr_t>(twiddles) - 4 * kAngleBytes));
  __asm__ volatile(
      "1:\n"
      "vldrw.u32 q7, [%[kept]]\n"
      "dls lr, %[count]\n"
      "vstrw.32 q7, [%[kept], #16]\n"
      "2:\n"
      "vldrw.u32 q7, [%[kept], #16]\n"
      STAPES_BUTTERFLIES("[q7, #96]!", "%[v2]", "%[v3]", "", "vstrw.32 q7, [%[kept], #16]\n",
                         "%[v1]", "%[v0]", "%[v0]", "%[v1]", "%[v2]", "%[v3]")
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

#undef STAPES_LOAD
#undef STAPES_STORE
#undef STAPES_BUTTERFLIES

}  // namespace helium
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Windowing of four pairs at a time with Helium; the bits of window.cc.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {
namespace helium {

// Pair numbers are multiplied by this step: their bits in reverse order are then distances in
// bytes.
constexpr uint32_t PairStep(int size_log2) { return 1u << (29 - size_log2); }

// q1, q0: windowed pairs of the first run.
#define STAPES_WINDOW_FIRST           \
  "vldrw.u32 q0, [%[first]], #16\n"   \
  "vshl.i32 q1, q0, #16\n"            \
  "vand q0, q0, q5\n"                 \
  "vld20.32 {q2, q3}, [%[rising]]\n"  \
  "vld21.32 {q2, q3}, [%[rising]]!\n" \
  "vmulh.s32 q1, q1, q2\n"            \
  "vmulh.s32 q0, q0, q3\n"            \
  "vrshl.s32 q1, %[shift]\n"          \
  "vrshl.s32 q0, %[shift]\n"

// q3, q2: those of the second run. Then sums: q4, q3; differences: q1, q0; places: q2.
#define STAPES_WINDOW_SECOND               \
  "vldrw.u32 q2, [%[second]], #16\n"       \
  "vshl.i32 q3, q2, #16\n"                 \
  "vand q2, q2, q5\n"                      \
  "vldrw.u32 q4, [%q[weights], #-32]!\n"   \
  "vmulh.s32 q3, q3, q4\n"                 \
  "vldrw.u32 q4, [%q[weights], #-4]\n"     \
  "vmulh.s32 q2, q2, q4\n"                 \
  "vrshl.s32 q3, %[shift]\n"               \
  "vrshl.s32 q2, %[shift]\n"               \
  "vadd.i32 q4, q1, q3\n"                  \
  "vsub.i32 q1, q1, q3\n"                  \
  "vadd.i32 q3, q0, q2\n"                  \
  "vsub.i32 q0, q0, q2\n"                  \
  "vbrsr.32 q2, %q[places], %[all_bits]\n" \
  "vadd.i32 %q[places], %q[places], %[four_steps]\n"

// Pairs of a run alone: q1, q0; places: q2.
#define STAPES_WINDOW_ALONE                          \
  "vldrw.u32 q0, [%[samples]], #16\n"                \
  "vshl.i32 q1, q0, #16\n"                           \
  "vand q0, q0, q5\n"                                \
  "vldrw.u32 q2, [%q[first]]\n"                      \
  "vmulh.s32 q1, q1, q2\n"                           \
  "vldrw.u32 q2, [%q[second]]\n"                     \
  "vmulh.s32 q0, q0, q2\n"                           \
  "vrshl.s32 q1, %[shift]\n"                         \
  "vrshl.s32 q0, %[shift]\n"                         \
  "vadd.i32 %q[first], %q[first], %[onwards]\n"      \
  "vadd.i32 %q[second], %q[second], %[onwards]\n"    \
  "vbrsr.32 q2, %q[places], %[all_bits]\n"           \
  "vadd.i32 %q[places], %q[places], %[four_steps]\n" \
  "vadd.i32 q2, q2, %[output]\n"

// sum: the number at byte distance `before` of q2. Stores it plus `part` at distance `plus`, and
// minus `part` at distance `minus`.
#define STAPES_ADD_AND_SUBTRACT(sum, part, before, plus, minus) \
  "vldrw.u32 " sum ", [q2, #" before                            \
  "]\n"                                                         \
  "vadd.i32 " sum ", " sum ", " part                            \
  "\n"                                                          \
  "vstrw.32 " sum ", [q2, #" plus                               \
  "]\n"                                                         \
  "vmla.s32 " sum ", " part                                     \
  ", %[minus_two]\n"                                            \
  "vstrw.32 " sum ", [q2, #" minus "]\n"

// Joins sums a and differences b with those before them (JoinFour in butterfly.h); uses register
// `free`.
#define STAPES_JOIN(a_re, a_im, b_re, b_im, free)        \
  STAPES_ADD_AND_SUBTRACT(free, a_re, "-16", "-16", "0") \
  STAPES_ADD_AND_SUBTRACT(free, a_im, "-12", "-12", "4") \
  STAPES_ADD_AND_SUBTRACT(free, b_im, "-8", "-8", "8")   \
  STAPES_ADD_AND_SUBTRACT(free, b_re, "-4", "12", "-4")

// Windows the first pairs that have partners: 4 * `fours` of them, 1 or more, then 4 * `joined`,
// which are joined with what came before.
__attribute__((noinline)) inline void WindowBoth(const int16_t* first, const int16_t* second,
                                                 const int32_t* rising, const int32_t* falling,
                                                 uint32_t fours, uint32_t joined, int shift,
                                                 int size_log2, ComplexInt* output) {
  const uint32_t step = PairStep(size_log2);
  const uint32x4_t lanes = vidupq_n_u32(0, 1);
  uint32x4_t places = vmulq_n_u32(lanes, step);
  // Four pairs before the first ones, because each load moves on before it reads.
  uint32x4_t weights = vsubq_u32(vdupq_n_u32(reinterpret_cast<uintptr_t>(falling + 8)),
                                 vmulq_n_u32(lanes, 2 * sizeof(int32_t)));
  int32_t* const place = &output->re;
  register uint32_t count __asm__("lr") = fours;
  __asm__ volatile(
      "vmvn.i32 q5, #65535\n"
      "dls lr, lr\n"
      "1:\n" STAPES_WINDOW_FIRST STAPES_WINDOW_SECOND
      "vstrw.32 q4, [%[output], q2]\n"
      "vstrw.32 q3, [%[place1], q2]\n"
      "vstrw.32 q1, [%[place2], q2]\n"
      "vstrw.32 q0, [%[place3], q2]\n"
      "le lr, 1b\n"
      "wls lr, %[joined], 3f\n"
      "2:\n" STAPES_WINDOW_FIRST STAPES_WINDOW_SECOND
      "vadd.i32 q2, q2, %[output]\n" STAPES_JOIN("q4", "q3", "q1", "q0", "q5")
      "vmvn.i32 q5, #65535\n"
      "le lr, 2b\n"
      "3:\n"
      : [first] "+r"(first), [second] "+r"(second), [rising] "+r"(rising), [weights] "+w"(weights),
        [places] "+w"(places), "+r"(count)
      : [joined] "r"(joined), [shift] "r"(-shift), [all_bits] "r"(32), [four_steps] "r"(4 * step),
        [output] "r"(place), [place1] "r"(place + 1), [place2] "r"(place + 2),
        [place3] "r"(place + 3), [minus_two] "r"(-2)
      : "q0", "q1", "q2", "q3", "q4", "q5", "memory");
}

// What all pairs of a frame have in common.
struct Frame {
  const FrontEndTables& tables;
  const int16_t* samples;
  int shift;
  ComplexInt* output;
};

// Pairs whose partners are 0, from `pair` to before `end`, 1 or more; with kJoins they are joined
// with what came before. From sample to sample, the place of the weight moves by `direction`, 1 or
// -1.
template <bool kJoins>
__attribute__((noinline)) void WindowAlone(const Frame& frame, int direction, uint32_t pair,
                                           uint32_t end) {
  const FrontEndTables& tables = frame.tables;
  const uint32_t sample = 2 * pair;
  const int16_t* samples = frame.samples + sample;
  const int32_t* const weights =
      tables.window + (direction > 0 ? sample : tables.window_samples - sample);
  ComplexInt* const output = frame.output;
  const int shift = frame.shift;
  const uint32_t count = end - pair;
  const uint32_t step = PairStep(tables.fft_log2 - 1);
  const uint32x4_t lanes = vidupq_n_u32(0, 1);
  const int bytes = direction * static_cast<int>(sizeof(int32_t));
  uint32x4_t places = vmulq_n_u32(vaddq_n_u32(lanes, pair), step);
  uint32x4_t first = vaddq_n_u32(vmulq_n_u32(lanes, static_cast<uint32_t>(2 * bytes)),
                                 reinterpret_cast<uintptr_t>(weights));
  uint32x4_t second = vaddq_n_u32(first, static_cast<uint32_t>(bytes));
  if (kJoins) {
    __asm__ volatile(
        "vmvn.i32 q5, #65535\n"
        "dlstp.32 lr, %[count]\n"
        "1:\n" STAPES_WINDOW_ALONE STAPES_JOIN("q1", "q0", "q1", "q0", "q3") "letp lr, 1b\n"
        : [samples] "+r"(samples), [first] "+w"(first), [second] "+w"(second), [places] "+w"(places)
        : [count] "r"(count), [shift] "r"(-shift), [onwards] "r"(4 * 2 * bytes), [all_bits] "r"(32),
          [four_steps] "r"(4 * step), [output] "r"(output), [minus_two] "r"(-2)
        : "lr", "q0", "q1", "q2", "q3", "q5", "memory");
  } else {
    __asm__ volatile(
        "vmvn.i32 q5, #65535\n"
        "dlstp.32 lr, %[count]\n"
        "1:\n" STAPES_WINDOW_ALONE
        "vstrw.32 q1, [q2]\n"
        "vstrw.32 q0, [q2, #4]\n"
        "vstrw.32 q1, [q2, #8]\n"
        "vstrw.32 q0, [q2, #12]\n"
        "letp lr, 1b\n"
        : [samples] "+r"(samples), [first] "+w"(first), [second] "+w"(second), [places] "+w"(places)
        : [count] "r"(count), [shift] "r"(-shift), [onwards] "r"(4 * 2 * bytes), [all_bits] "r"(32),
          [four_steps] "r"(4 * step), [output] "r"(output)
        : "lr", "q0", "q1", "q2", "q5", "memory");
  }
}

#undef STAPES_WINDOW_FIRST
#undef STAPES_WINDOW_SECOND
#undef STAPES_WINDOW_ALONE
#undef STAPES_ADD_AND_SUBTRACT
#undef STAPES_JOIN

}  // namespace helium
}  // namespace stapes

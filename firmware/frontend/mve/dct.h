// SPDX-License-Identifier: Apache-2.0
// The DCT with Helium: products of 16 by 16 bits, eight at a time; the bits of dct.cc.
//
// A number is 2^16 h + l with l in int16; its product with a factor f, shifted right by 16 and
// rounded down, is h f + (l f >> 16).
#pragma once

#include <arm_mve.h>

#include <cstdint>

namespace stapes {
namespace helium {

// Folds as dct.cc does, and splits what comes of it: l in the lower half of each word, h in the
// upper one. `pairs`: half of the channels; an odd one in the middle is split as well.
inline void FoldAndSplit(int32_t* logs, uint32_t channels) {
  const uint32_t pairs = channels / 2;
  if (channels % 2 != 0) {
    logs[pairs] += static_cast<int32_t>((static_cast<uint32_t>(logs[pairs]) & 0x8000u) << 1);
  }
  // Four numbers past the last ones, because each load moves on before it reads.
  uint32x4_t high = vsubq_u32(vdupq_n_u32(reinterpret_cast<uintptr_t>(logs + channels - 1 + 4)),
                              vmulq_n_u32(vidupq_n_u32(0, 1), sizeof(int32_t)));
  __asm__ volatile(
      "wlstp.32 lr, %[pairs], 1f\n"
      "2:\n"
      "vldrw.u32 q0, [%[logs]]\n"
      "vldrw.u32 q1, [%q[high], #-16]!\n"
      "vadd.i32 q2, q0, q1\n"
      "vsub.i32 q0, q0, q1\n"
      "vrshr.s32 q1, q2, #16\n"
      "vmovnt.i32 q2, q1\n"
      "vrshr.s32 q1, q0, #16\n"
      "vmovnt.i32 q0, q1\n"
      "vstrw.32 q2, [%[logs]], #16\n"
      "vstrw.32 q0, [%q[high]]\n"
      "letp lr, 2b\n"
      "1:\n"
      : [logs] "+r"(logs), [high] "+w"(high)
      : [pairs] "r"(pairs)
      : "lr", "q0", "q1", "q2", "memory");
}

// Entries in a row of the table for 33 to 40 channels, the usual numbers.
constexpr uint32_t kUsualLength = 20;

// Every second coefficient: `rows` of them, 1 or more. `numbers` are split. Rows of the table have
// kUsualLength entries; every second row is skipped.
inline void UsualRows(const int16_t* table, uint32_t rows, const int32_t* numbers,
                      int32_t* features) {
  int32_t sum;
  __asm__ volatile(
      "vld20.16 {q0, q1}, [%[first]]\n"
      "vld21.16 {q0, q1}, [%[first]]\n"
      "vld20.16 {q2, q3}, [%[second]]\n"
      "vld21.16 {q2, q3}, [%[second]]\n"
      "vld20.16 {q4, q5}, [%[third]]\n"  // the first four are in q2 and q3 already: set to 0
      "vld21.16 {q4, q5}, [%[third]]\n"
      "vctp.16 %[four]\n"
      "vpstt\n"
      "vmovt.i32 q4, #0\n"
      "vmovt.i32 q5, #0\n"
      "dls lr, %[rows]\n"
      "1:\n"
      "vldrh.u16 q6, [%[table], #16]\n"
      "vmladav.s16 %[sum], q6, q3\n"
      "vmulh.s16 q6, q6, q2\n"
      "vaddva.s16 %[sum], q6\n"
      "vldrh.u16 q6, [%[table], #24]\n"
      "vmladava.s16 %[sum], q6, q5\n"
      "vmulh.s16 q6, q6, q4\n"
      "vaddva.s16 %[sum], q6\n"
      "vldrh.u16 q6, [%[table]], %[step]\n"
      "vmladava.s16 %[sum], q6, q1\n"
      "vmulh.s16 q6, q6, q0\n"
      "vaddva.s16 %[sum], q6\n"
      "str %[sum], [%[features]], #8\n"
      "le lr, 1b\n"
      : [table] "+r"(table), [features] "+r"(features), [sum] "=&Te"(sum)
      : [rows] "r"(rows), [first] "r"(numbers), [second] "r"(numbers + 8),
        [third] "r"(numbers + kUsualLength - 8), [four] "r"(4),
        [step] "i"(2 * kUsualLength * sizeof(int16_t))
      : "lr", "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "memory");
}

// The same for any length, eight columns of the table at a time.
inline void AnyRows(const int16_t* table, uint32_t rows, uint32_t length, const int32_t* numbers,
                    int32_t* features) {
  for (uint32_t i = 0; i < rows; ++i) {
    features[2 * i] = 0;
  }
  for (uint32_t column = 0; column < length; column += 8) {
    const int16_t* entries = table + column;
    const int32_t* eight = numbers + column;
    int32_t* place = features;
    int32_t sum;
    __asm__ volatile(
        "vld20.16 {q0, q1}, [%[eight]]\n"
        "vld21.16 {q0, q1}, [%[eight]]\n"
        "vctp.16 %[rest]\n"
        "dls lr, %[rows]\n"
        "1:\n"
        "ldr %[sum], [%[place]]\n"
        "vpst\n"
        "vldrht.u16 q2, [%[entries]]\n"
        "vmladava.s16 %[sum], q2, q1\n"
        "vmulh.s16 q2, q2, q0\n"
        "vaddva.s16 %[sum], q2\n"
        "str %[sum], [%[place]], #8\n"
        "add %[entries], %[entries], %[step]\n"
        "le lr, 1b\n"
        : [entries] "+r"(entries), [place] "+r"(place), [sum] "=&Te"(sum)
        : [eight] "r"(eight), [rows] "r"(rows), [rest] "r"(length - column),
          [step] "r"(2 * length * sizeof(int16_t))
        : "lr", "cc", "q0", "q1", "q2", "memory");
  }
}

inline void EverySecond(const int16_t* table, uint32_t rows, uint32_t length,
                        const int32_t* numbers, int32_t* features) {
  if (rows == 0) {
    return;
  }
  if (length == kUsualLength) {
    return UsualRows(table, rows, numbers, features);
  }
  AnyRows(table, rows, length, numbers, features);
}

}  // namespace helium
}  // namespace stapes

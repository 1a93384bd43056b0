// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector, with Helium: four rows at a time, sixteen
// values at once.
//
// A value without its zero point takes nine bits. It is kept as the sum of two int8, each in a
// plane of its own. 255 is no such sum, -255 is: with a positive offset the values are kept
// negated.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

namespace stapes {
namespace {

// What MultiplyRowQuads reads; the assembly knows the layout.
struct RowQuads {
  int32_t start;  // where a sum starts: 0; the same for start1 to start3
  const int8_t* half;
  int32_t start1;
  const int8_t* other_half;
  int32_t start2;
  int32_t start3;
  int32_t* sums_end;
  int32_t count;
  int32_t next;  // bytes from where a row was left to the fourth row after it
  int32_t sign;
};

// clang-format off
#define STAPES_ROW(sum, row)              \
  "vldrb.8 q2, [" row "], #16\n"          \
  "vmladava.s8 " sum ", q0, q2\n"         \
  "vmladava.s8 " sum ", q1, q2\n"

// Rows `stride` bytes apart, four at a time up to quads->sums_end.
__attribute__((naked, noinline)) void MultiplyRowQuads(const RowQuads*, const int8_t*, int32_t,
                                                       int32_t*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "mov r12, r3\n"
      "mov r5, r1\n"
      "add r7, r5, r2\n"
      "add r9, r7, r2\n"
      "add r11, r9, r2\n"
      "ldrd r8, r10, [r0, #28]\n"
      "ldr r2, [r0, #36]\n"
      "vdup.32 q3, r2\n"
      "ldm r0, {r0, r1, r2, r3, r4, r6, lr}\n"
      "push {r0, r1, r2, r3, r4, r6, lr}\n"
      "1:\n"
      "ldm sp, {r0, r1, r2, r3, r4, r6}\n"
      "wlstp.8 lr, r8, 3f\n"
      "2:\n"
      "vldrb.8 q0, [r1], #16\n"
      "vldrb.8 q1, [r3], #16\n"
      STAPES_ROW("r0", "r5") STAPES_ROW("r2", "r7") STAPES_ROW("r4", "r9") STAPES_ROW("r6", "r11")
      "letp lr, 2b\n"
      "3:\n"
      "vmov q0[2], q0[0], r0, r4\n"
      "vmov q0[3], q0[1], r2, r6\n"
      "vmul.i32 q0, q0, q3\n"
      "vstrw.32 q0, [r12], #16\n"
      "ldr r0, [sp, #24]\n"
      "add r5, r10\n"
      "add r7, r10\n"
      "add r9, r10\n"
      "add r11, r10\n"
      "cmp r12, r0\n"
      "bne 1b\n"
      "add sp, #28\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

int32_t DotRow(const WideVector& wide, const int8_t* row) {
  const int8_t* half = reinterpret_cast<const int8_t*>(wide.values);
  const int8_t* other_half = half + wide.count;
  int32_t sum = 0;
  __asm__ volatile(
      "wlstp.8 lr, %[count], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[half]], #16\n"
      "vldrb.8 q1, [%[other_half]], #16\n" STAPES_ROW("%[sum]", "%[row]")
      "letp lr, 2b\n"
      "1:\n"
      : [half] "+r"(half), [other_half] "+r"(other_half), [row] "+r"(row), [sum] "+Te"(sum)
      : [count] "r"(wide.count)
      : "lr", "q0", "q1", "q2", "memory");
  return wide.sign * sum;
}

#undef STAPES_ROW

}  // namespace

// -(value + offset) = ~value + (1 - offset).
WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  const bool negated = offset > 0;
  int8_t* half = reinterpret_cast<int8_t*>(wide);
  int8_t* other_half = half + count;
  __asm__ volatile(
      "vdup.8 q2, %[flipped]\n"
      "wlstp.8 lr, %[count], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[values]], #16\n"
      "veor q0, q0, q2\n"
      "vhadd.s8 q1, q0, %[offset]\n"
      "vadd.i8 q0, q0, %[offset]\n"
      "vsub.i8 q0, q0, q1\n"
      "vstrb.8 q1, [%[half]], #16\n"
      "vstrb.8 q0, [%[other_half]], #16\n"
      "letp lr, 2b\n"
      "1:\n"
      : [values] "+r"(values), [half] "+r"(half), [other_half] "+r"(other_half)
      : [count] "r"(count), [offset] "r"(negated ? 1 - offset : offset),
        [flipped] "r"(negated ? -1 : 0)
      : "lr", "q0", "q1", "q2", "memory");
  return {wide, count, negated ? -1 : 1};
}

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  int32_t row = 0;
  if (rows >= 4) {
    row = rows & ~3;
    const int8_t* const half = reinterpret_cast<const int8_t*>(wide.values);
    const int32_t taken = (wide.count + 15) & ~15;
    const RowQuads quads = {0, half,       0,          half + wide.count,  0,
                            0, sums + row, wide.count, 4 * stride - taken, wide.sign};
    MultiplyRowQuads(&quads, weights, stride, sums);
  }
  for (; row < rows; ++row) {
    sums[row] = DotRow(wide, weights + row * stride);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

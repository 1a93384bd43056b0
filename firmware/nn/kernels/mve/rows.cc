// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector, with Helium: four rows at a time, eight values
// widened as they are loaded.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

namespace stapes {
namespace {

void DotFourRows(const int16_t* wide, const int8_t* weights, int32_t stride, int32_t count,
                 int32_t* sums) {
  const int8_t* row0 = weights;
  const int8_t* row1 = row0 + stride;
  const int8_t* row2 = row1 + stride;
  const int8_t* row3 = row2 + stride;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  __asm__ volatile(
      "wlstp.16 lr, %[count], 1f\n"
      "2:\n"
      "vldrh.16 q0, [%[wide]], #16\n"
      "vldrb.s16 q1, [%[row0]], #8\n"
      "vmladava.s16 %[sum0], q0, q1\n"
      "vldrb.s16 q1, [%[row1]], #8\n"
      "vmladava.s16 %[sum1], q0, q1\n"
      "vldrb.s16 q1, [%[row2]], #8\n"
      "vmladava.s16 %[sum2], q0, q1\n"
      "vldrb.s16 q1, [%[row3]], #8\n"
      "vmladava.s16 %[sum3], q0, q1\n"
      "letp lr, 2b\n"
      "1:\n"
      : [wide] "+r"(wide), [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2),
        [row3] "+r"(row3), [sum0] "+Te"(sum0), [sum1] "+Te"(sum1), [sum2] "+Te"(sum2),
        [sum3] "+Te"(sum3)
      : [count] "r"(count)
      : "lr", "q0", "q1", "memory");
  sums[0] = sum0;
  sums[1] = sum1;
  sums[2] = sum2;
  sums[3] = sum3;
}

}  // namespace

void DotRowBlock(const int16_t* wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t count, int32_t* sums) {
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    DotFourRows(wide, weights + row * stride, stride, count, sums + row);
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide, weights + row * stride, count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

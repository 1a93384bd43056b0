// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector for RISC-V without vectors: four rows share the
// load of a value, two values the steps of the pointers. More of them make GCC put pointers aside.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_RISCV

namespace stapes {
namespace {

// Single members and no arrays, which GCC would leave in memory.
struct FourRows {
  const int8_t *row0, *row1, *row2, *row3;
  uint32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;  // unsigned, which wraps

  void Add(int32_t value, int32_t place) {
    sum0 += static_cast<uint32_t>(value * row0[place]);
    sum1 += static_cast<uint32_t>(value * row1[place]);
    sum2 += static_cast<uint32_t>(value * row2[place]);
    sum3 += static_cast<uint32_t>(value * row3[place]);
  }
  void Step(int32_t places) {
    row0 += places;
    row1 += places;
    row2 += places;
    row3 += places;
  }
};

void DotFourRows(const WideVector& wide, const int8_t* weights, int32_t stride, int32_t* sums) {
  FourRows four = {weights, weights + stride, weights + 2 * stride, weights + 3 * stride};
  const int16_t* values = wide.values;
  const int16_t* const end = values + wide.count;
  for (; end - values >= 2; values += 2, four.Step(2)) {
    four.Add(values[0], 0);
    four.Add(values[1], 1);
  }
  for (; values < end; ++values, four.Step(1)) {
    four.Add(*values, 0);
  }
  sums[0] = static_cast<int32_t>(four.sum0);
  sums[1] = static_cast<int32_t>(four.sum1);
  sums[2] = static_cast<int32_t>(four.sum2);
  sums[3] = static_cast<int32_t>(four.sum3);
}

}  // namespace

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  int32_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    DotFourRows(wide, weights + row * stride, stride, sums + row);
  }
  for (; row < rows; ++row) {
    sums[row] = DotWideS8(wide.values, weights + row * stride, wide.count);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_RISCV

// SPDX-License-Identifier: Apache-2.0
// Matrix product with Helium. The panel holds the columns as they are, int8; VMLADAVA multiplies
// sixteen values at once. Zero points are taken off through the sums of the weights.
#include <cstring>

#include "nn/kernels/matmul.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {
namespace {

constexpr int32_t kRows = 4;
constexpr int32_t kStep = 16;  // values of a row that one instruction takes

int32_t Steps(int32_t depth) { return (depth + kStep - 1) / kStep; }

// What turns the sums of four rows into outputs; shifts lie below 0. The assembly knows the
// layout.
struct Scaler {
  int32x4_t start;  // bias, and input offset times the sum of the weights
  helium::Scales scales;
  int32x4_t offset;
  int32x4_t low;
  int32x4_t high;
};

// Lays one row, sixteen values in turn with those of others, zeros behind its end. Returns its sum.
inline int32_t LayRow(const int8_t* from, int32_t depth, int8_t* at) {
  int32_t sum = 0;
  vstrbq_s8(at + (Steps(depth) - 1) * kRows * kStep, vdupq_n_s8(0));
  __asm__ volatile(
      "wlstp.8 lr, %[depth], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[from]], #16\n"
      "vaddva.s8 %[sum], q0\n"
      "vstrb.8 q0, [%[at]], #64\n"
      "letp lr, 2b\n"
      "1:\n"
      : [from] "+r"(from), [at] "+r"(at), [sum] "+Te"(sum)
      : [depth] "r"(depth)
      : "lr", "q0", "memory");
  return sum;
}
static_assert(kRows * kStep == 64, "LayRow steps over the other rows");

// Lays four rows side by side: what lies behind the end of a column is multiplied by their zeros.
// Rows from `count` on are left alone. Returns the sums.
int32x4_t LayRows(const int8_t* weights, int32_t depth, int32_t count, int8_t* to) {
  int32_t sums[kRows] = {};
  for (int32_t row = 0; row < count; ++row, weights += depth, to += kStep) {
    sums[row] = LayRow(weights, depth, to);
  }
  return vld1q_s32(sums);
}

Scaler ReadScaler(const PanelShape& shape, const Scaling& scaling, int32_t count,
                  int32x4_t weight_sums) {
  const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(count));
  const int32x4_t bias =
      scaling.bias == nullptr ? vdupq_n_s32(0) : vldrwq_z_s32(scaling.bias, inside);
  helium::Scales scales = {vdupq_n_s32(scaling.significands[0]), vdupq_n_s32(scaling.shifts[0])};
  if (scaling.channel_step != 0) {
    scales = {vldrwq_z_s32(scaling.significands, inside), vldrbq_z_s32(scaling.shifts, inside)};
  }
  return {vmlaq_n_s32(bias, weight_sums, shape.input_offset), scales,
          vdupq_n_s32(scaling.output_offset), vdupq_n_s32(scaling.low), vdupq_n_s32(scaling.high)};
}

// Four rows against `columns` columns `depth` bytes apart: four outputs each, `stride` bytes apart.
void MultiplyColumns(const Scaler& scaler, const int8_t* rows, const int8_t* column, int32_t depth,
                     int32_t columns, int8_t* output, int32_t stride) {
  const int32_t steps = Steps(depth);
  const int32_t back = depth - steps * kStep;
  const int8_t* row;
  int32_t sum0, sum1, sum2, sum3;
  __asm__ volatile(
      "1:\n"
      "movs %[sum0], #0\n"
      "movs %[sum1], #0\n"
      "movs %[sum2], #0\n"
      "movs %[sum3], #0\n"
      "mov %[row], %[rows]\n"
      "dls lr, %[steps]\n"
      "2:\n"
      "vldrb.8 q0, [%[column]], #16\n"
      "vldrb.8 q1, [%[row]], #16\n"
      "vmladava.s8 %[sum0], q0, q1\n"
      "vldrb.8 q1, [%[row]], #16\n"
      "vmladava.s8 %[sum1], q0, q1\n"
      "vldrb.8 q1, [%[row]], #16\n"
      "vmladava.s8 %[sum2], q0, q1\n"
      "vldrb.8 q1, [%[row]], #16\n"
      "vmladava.s8 %[sum3], q0, q1\n"
      "le lr, 2b\n"
      "add %[column], %[back]\n"
      "vmov q0[2], q0[0], %[sum0], %[sum2]\n"
      "vmov q0[3], q0[1], %[sum1], %[sum3]\n"
      "vadd.i32 q0, q0, %q[start]\n"
      "vqrdmulh.s32 q0, q0, %q[significands]\n"
      "vshr.s32 q1, q0, #31\n"
      "vadd.i32 q0, q0, q1\n"
      "vrshl.s32 q0, q0, %q[shifts]\n"
      "vadd.i32 q0, q0, %q[offset]\n"
      "vmax.s32 q0, q0, %q[low]\n"
      "vmin.s32 q0, q0, %q[high]\n"
      "vstrb.32 q0, [%[output]]\n"
      "add %[output], %[stride]\n"
      "subs %[columns], #1\n"
      "bne 1b\n"
      : [column] "+r"(column), [row] "=&r"(row), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1),
        [sum2] "=&Te"(sum2), [sum3] "=&Te"(sum3), [output] "+r"(output), [columns] "+r"(columns)
      : [rows] "r"(rows), [steps] "r"(steps), [back] "r"(back), [stride] "r"(stride),
        [start] "w"(scaler.start), [significands] "w"(scaler.scales.significands),
        [shifts] "w"(scaler.scales.shifts), [offset] "w"(scaler.offset), [low] "w"(scaler.low),
        [high] "w"(scaler.high)
      : "lr", "q0", "q1", "cc", "memory");
}

// What MultiplyColumnPairs reads; the assembly knows the layout.
struct Tile {
  const int8_t* rows;
  int32_t back;  // bytes from where a column was left to the next one
  int32_t depth;
  int32_t stride;  // bytes from output to output
  const int8_t* columns_end;
  const int8_t* rows_end;
};
static_assert(sizeof(Tile) == 24 && sizeof(Scaler) == 96, "MultiplyColumnPairs reads by position");

// clang-format off
#define STAPES_ROW(multiply, sum, other_sum) \
  "vldrb.8 q2, [r5], #16\n"                  \
  multiply ".s8 " sum ", q0, q2\n"           \
  multiply ".s8 " other_sum ", q1, q2\n"

// Sixteen values of two columns against those of four rows.
#define STAPES_ROWS(multiply)        \
  "vldrb.8 q0, [r1], #16\n"          \
  "vldrb.8 q1, [r3], #16\n"          \
  STAPES_ROW(multiply, "r0", "r8")   \
  STAPES_ROW(multiply, "r2", "r10")  \
  STAPES_ROW(multiply, "r4", "r12")  \
  STAPES_ROW(multiply, "r6", "lr")   \
  "cmp r5, r9\n"

#define STAPES_FINISH(sums)                 \
  "vadd.i32 " sums ", " sums ", q3\n"       \
  "vqrdmulh.s32 " sums ", " sums ", q4\n"   \
  "vshr.s32 q2, " sums ", #31\n"            \
  "vadd.i32 " sums ", " sums ", q2\n"       \
  "vrshl.s32 " sums ", " sums ", q5\n"      \
  "vadd.i32 " sums ", " sums ", r11\n"      \
  "vmax.s32 " sums ", " sums ", q6\n"       \
  "vmin.s32 " sums ", " sums ", q7\n"       \
  "vstrb.32 " sums ", [r7]\n"               \
  "add r7, r6\n"

// Four rows against pairs of columns: what a row brings serves both.
__attribute__((naked, noinline)) void MultiplyColumnPairs(const Tile*, const int8_t*, int8_t*,
                                                          const Scaler*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "vpush {d8-d15}\n"
      "vldrw.32 q3, [r3]\n"
      "vldrw.32 q4, [r3, #16]\n"
      "vldrw.32 q5, [r3, #32]\n"
      "ldr r11, [r3, #48]\n"
      "vldrw.32 q6, [r3, #64]\n"
      "vldrw.32 q7, [r3, #80]\n"
      "ldm r0, {r4, r5, r6, r7, r8, r9}\n"
      "push {r4, r5, r6, r7, r8}\n"
      "add r3, r1, r6\n"
      "mov r5, r4\n"
      "mov r7, r2\n"
      "0:\n" STAPES_ROWS("vmladav")
      "beq 2f\n"
      "1:\n" STAPES_ROWS("vmladava")
      "bne 1b\n"
      "2:\n"
      "vmov q0[2], q0[0], r0, r4\n"
      "vmov q0[3], q0[1], r2, r6\n"
      "vmov q1[2], q1[0], r8, r12\n"
      "vmov q1[3], q1[1], r10, lr\n"
      "ldm sp, {r0, r2, r4, r6, r8}\n"
      STAPES_FINISH("q0")
      STAPES_FINISH("q1")
      "mov r5, r0\n"
      "add r1, r3, r2\n"
      "add r3, r1, r4\n"
      "cmp r1, r8\n"
      "bne 0b\n"
      "add sp, #20\n"
      "vpop {d8-d15}\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

// Any number of columns.
void MultiplyAll(const PanelShape& shape, const Scaler& scaler, const int8_t* rows,
                 const int8_t* column, int32_t columns, int8_t* output, int32_t stride) {
  const int32_t paired = columns & ~1;
  const int32_t taken = Steps(shape.depth) * kStep;
  const int8_t* const end = column + paired * shape.depth;
  const Tile tile = {rows, shape.depth - taken, shape.depth, stride, end, rows + kRows * taken};
  if (paired != 0) {
    MultiplyColumnPairs(&tile, column, output, &scaler);
  }
  if (paired == columns) {
    return;
  }
  MultiplyColumns(scaler, rows, end, shape.depth, 1, output + paired * stride, stride);
}

// Any scaling: for multipliers of 1 and above.
void MultiplySlowly(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                    int32_t columns, const int8_t* weights, int32_t rows, int8_t* output,
                    int32_t output_stride) {
  const int8_t* column = reinterpret_cast<const int8_t*>(panel);
  for (int32_t i = 0; i < columns; ++i, column += shape.depth, output += output_stride) {
    for (int32_t row = 0; row < rows; ++row) {
      const int8_t* const from = weights + row * shape.depth;
      int32_t sum = 0;
      for (int32_t j = 0; j < shape.depth; ++j) {
        sum = WrappingAdd(sum, from[j] * (column[j] + shape.input_offset));
      }
      output[row] = scaling(row, sum);
    }
  }
}

void Copy(const int8_t* from, int32_t count, int8_t* to) {
  __asm__ volatile(
      "wlstp.8 lr, %[count], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[from]], #16\n"
      "vstrb.8 q0, [%[to]], #16\n"
      "letp lr, 2b\n"
      "1:\n"
      : [from] "+r"(from), [to] "+r"(to)
      : [count] "r"(count)
      : "lr", "q0", "memory");
}

}  // namespace

void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel) {
  int8_t* const column = reinterpret_cast<int8_t*>(panel) + index * shape.depth;
  Copy(first, shape.depth, column);
  if (second != first) {
    Copy(second, shape.depth, column + shape.depth);
  }
}

void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t* row_memory,
                   int8_t* output, int32_t output_stride) {
  if (!scaling.fast) {
    MultiplySlowly(shape, scaling, panel, columns, weights, rows, output, output_stride);
    return;
  }
  const int8_t* const column = reinterpret_cast<const int8_t*>(panel);
  int8_t* const laid = reinterpret_cast<int8_t*>(row_memory);
  for (int32_t row = 0; row < rows; row += kRows) {
    const int32_t count = rows - row < kRows ? rows - row : kRows;
    const int32x4_t sums = LayRows(weights + row * shape.depth, shape.depth, count, laid);
    const Scaler scaler = ReadScaler(shape, scaling.From(row), count, sums);
    if (count == kRows) {
      MultiplyAll(shape, scaler, laid, column, columns, output + row, output_stride);
      continue;
    }
    for (int32_t i = 0; i < columns; ++i) {
      int8_t four[kRows];
      MultiplyColumns(scaler, laid, column + i * shape.depth, shape.depth, 1, four, 0);
      std::memcpy(output + i * output_stride + row, four, static_cast<std::size_t>(count));
    }
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

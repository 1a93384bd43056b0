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

// What turns four rows of weights and columns into outputs; shifts lie below 0. The assembly knows
// the layout.
struct Tile {
  int32x4_t starts[2];  // bias, and input offset times the sum of the weights; for two columns
  uint16x8_t places;    // of the outputs: both columns of a row, row by row
  helium::Scales scales;
  int16x8_t low;
  int16x8_t high;
  const int8_t* rows;
  int32_t back;  // bytes from where a column was left to the next one
  int32_t depth;
  int32_t strides;  // bytes from two outputs to two outputs
  const int8_t* columns_end;
  const int32x4_t* first_start;
  int32_t one;
  int32_t offset;
  const int8_t* rows_end;
};
static_assert(sizeof(Tile) >= 148, "MultiplyColumnPairs reads by position");

// Lays four rows side by side, sixteen values of each in turn, filled up with zeros: they are
// multiplied with what lies behind the end of a column. Rows from `count` on are copies of the
// first one. Returns the sums of the rows.
int32x4_t LayRows(const int8_t* weights, int32_t depth, int32_t count, int8_t* to) {
  const int8_t* row0 = weights;
  const int8_t* row1 = weights + depth;
  const int8_t* row2 = row1 + depth;
  const int8_t* row3 = row2 + depth;
  if (count < kRows) {
    row1 = count > 1 ? row1 : weights;
    row2 = count > 2 ? row2 : weights;
    row3 = weights;
  }
  int8_t* const last = to + (Steps(depth) - 1) * kRows * kStep;
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  int32x4_t sums;
  __asm__ volatile(
      "vmov.i32 q0, #0\n"
      "vstrb.8 q0, [%[last]]\n"
      "vstrb.8 q0, [%[last], #16]\n"
      "vstrb.8 q0, [%[last], #32]\n"
      "vstrb.8 q0, [%[last], #48]\n"
      "wlstp.8 lr, %[depth], 1f\n"
      "2:\n"
      "vldrb.8 q0, [%[row0]], #16\n"
      "vaddva.s8 %[sum0], q0\n"
      "vstrb.8 q0, [%[to]], #64\n"
      "vldrb.8 q0, [%[row1]], #16\n"
      "vaddva.s8 %[sum1], q0\n"
      "vstrb.8 q0, [%[to], #-48]\n"
      "vldrb.8 q0, [%[row2]], #16\n"
      "vaddva.s8 %[sum2], q0\n"
      "vstrb.8 q0, [%[to], #-32]\n"
      "vldrb.8 q0, [%[row3]], #16\n"
      "vaddva.s8 %[sum3], q0\n"
      "vstrb.8 q0, [%[to], #-16]\n"
      "letp lr, 2b\n"
      "1:\n"
      "vmov %q[sums][2], %q[sums][0], %[sum0], %[sum2]\n"
      "vmov %q[sums][3], %q[sums][1], %[sum1], %[sum3]\n"
      : [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3), [to] "+r"(to),
        [sum0] "+Te"(sum0), [sum1] "+Te"(sum1), [sum2] "+Te"(sum2), [sum3] "+Te"(sum3),
        [sums] "=w"(sums)
      : [depth] "r"(depth), [last] "r"(last)
      : "lr", "q0", "memory");
  return sums;
}
static_assert(kStep == 16 && kRows == 4, "LayRows knows them");

// Takes bias and multipliers of four rows, or of the first `count`.
void ReadScaling(const PanelShape& shape, const Scaling& scaling, int32_t count,
                 int32x4_t weight_sums, Tile* tile) {
  const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(count));
  int32x4_t start = vmulq_n_s32(weight_sums, shape.input_offset);
  if (scaling.bias != nullptr) {
    start = vaddq_s32(start, vldrwq_z_s32(scaling.bias, inside));
  }
  tile->starts[0] = start;
  tile->starts[1] = start;
  if (scaling.channel_step != 0) {
    tile->scales = {vldrwq_z_s32(scaling.significands, inside),
                    vldrbq_z_s32(scaling.shifts, inside)};
  }
}

// Four rows against `columns` columns `depth` bytes apart: four outputs each, `stride` bytes apart.
void MultiplyColumns(const Tile& tile, const int8_t* column, int32_t columns, int8_t* output,
                     int32_t stride) {
  const int32_t steps = Steps(tile.depth);
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
      "movs %[sum0], #1\n"
      "vadd.i32 q0, q0, %q[start]\n"
      "vqrdmulh.s32 q0, q0, %q[significands]\n"
      "vqdmlah.s32 q0, q0, %[sum0]\n"
      "vrshl.s32 q0, q0, %q[shifts]\n"
      "vqmovnb.s32 q0, q0\n"
      "vqadd.s16 q0, q0, %q[offset]\n"
      "vmax.s16 q0, q0, %q[low]\n"
      "vmin.s16 q0, q0, %q[high]\n"
      "vstrb.32 q0, [%[output]]\n"
      "add %[output], %[stride]\n"
      "subs %[columns], #1\n"
      "bne 1b\n"
      : [column] "+r"(column), [row] "=&r"(row), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1),
        [sum2] "=&Te"(sum2), [sum3] "=&Te"(sum3), [output] "+r"(output), [columns] "+r"(columns)
      : [rows] "r"(tile.rows), [steps] "r"(steps), [back] "r"(tile.back), [stride] "r"(stride),
        [start] "w"(tile.starts[0]), [significands] "w"(tile.scales.significands),
        [shifts] "w"(tile.scales.shifts),
        [offset] "w"(vdupq_n_s16(static_cast<int16_t>(tile.offset))), [low] "w"(tile.low),
        [high] "w"(tile.high)
      : "lr", "q0", "q1", "cc", "memory");
}

// clang-format off
#define STAPES_ROW(sum, other_sum)         \
  "vldrb.8 q2, [r5], #16\n"                \
  "vmladava.s8 " sum ", q0, q2\n"          \
  "vmladava.s8 " other_sum ", q1, q2\n"

// Sixteen values of two columns against those of four rows.
#define STAPES_ROWS                        \
  "vldrb.8 q0, [r1], #16\n"                \
  "vldrb.8 q1, [r3], #16\n"                \
  STAPES_ROW("r0", "r8")                   \
  STAPES_ROW("r2", "r10")                  \
  STAPES_ROW("r4", "r12")                  \
  STAPES_ROW("r6", "lr")

// Four rows against pairs of columns: each load from a row serves both columns. The loop does four
// steps, of 56 bytes each, at a time; the first time, a jump leaves out the steps that are too
// many.
__attribute__((naked, noinline)) void MultiplyColumnPairs(const Tile*, const int8_t*, int8_t*) {
  __asm__(
      "push {r4-r11, lr}\n"
      "vpush {d8-d15}\n"
      "vldrw.32 q3, [r0, #32]\n"
      "vldrw.32 q4, [r0, #48]\n"
      "vldrw.32 q5, [r0, #64]\n"
      "vldrw.32 q6, [r0, #80]\n"
      "vldrw.32 q7, [r0, #96]\n"
      "mov r7, r2\n"
      "add r0, #112\n"
      "ldm r0, {r2, r4, r5, r6, r8, r9, r10, r11, r12}\n"
      "push {r2, r4, r5, r6, r8, r9, r10, r11}\n"
      "add r3, r1, r5\n"
      "mov r5, r2\n"
      "mov r0, r9\n"
      "mov r9, r12\n"
      "sub r2, r9, r2\n"
      "rsb r2, r2, #0\n"
      "ubfx r2, r2, #6, #2\n"  // steps to leave out of the first four
      "movs r10, #56\n"
      "adr.w r11, 1f\n"
      "adds r11, #1\n"
      "mla r11, r2, r10, r11\n"
      "0:\n"
      "ldm r0, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
      "bx r11\n"
      "1:\n" STAPES_ROWS STAPES_ROWS STAPES_ROWS STAPES_ROWS
      "cmp r5, r9\n"
      "bne 1b\n"
      "vmov q0[2], q0[0], r0, r4\n"
      "vmov q0[3], q0[1], r2, r6\n"
      "vmov q1[2], q1[0], r8, r12\n"
      "vmov q1[3], q1[1], r10, lr\n"
      "ldm sp, {r2, r4, r5, r6, r8, r10, r12, lr}\n"
      "vqrdmulh.s32 q0, q0, q4\n"
      "vqrdmulh.s32 q1, q1, q4\n"
      "vqdmlah.s32 q0, q0, r12\n"
      "vqdmlah.s32 q1, q1, r12\n"
      "vrshl.s32 q0, q0, q5\n"
      "vrshl.s32 q1, q1, q5\n"
      "vqmovnb.s32 q0, q0\n"
      "vqmovnt.s32 q0, q1\n"
      "vqadd.s16 q0, q0, lr\n"
      "vmax.s16 q0, q0, q6\n"
      "vmin.s16 q0, q0, q7\n"
      "vstrb.16 q0, [r7, q3]\n"
      "add r7, r6\n"
      "mov r0, r10\n"
      "add r1, r3, r4\n"
      "add r3, r1, r5\n"
      "mov r5, r2\n"
      "cmp r1, r8\n"
      "bne 0b\n"
      "add sp, #32\n"
      "vpop {d8-d15}\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

// The outputs of two columns of a row lie `stride` bytes apart.
uint16x8_t PlacesOfPairs(int32_t stride) {
  const uint16x8_t lanes = vidupq_n_u16(0, 1);
  const uint16x8_t columns = vandq_u16(lanes, vdupq_n_u16(1));
  return vaddq_u16(vshrq_n_u16(lanes, 1), vmulq_n_u16(columns, static_cast<uint16_t>(stride)));
}

// What all rows have in common.
void PrepareTile(const PanelShape& shape, const Scaling& scaling, const int8_t* rows,
                 int32_t stride, Tile* tile) {
  const int32_t taken = Steps(shape.depth) * kStep;
  tile->places = PlacesOfPairs(stride);
  tile->scales = {vdupq_n_s32(scaling.significands[0]), vdupq_n_s32(scaling.shifts[0])};
  tile->low = vdupq_n_s16(static_cast<int16_t>(scaling.low));
  tile->high = vdupq_n_s16(static_cast<int16_t>(scaling.high));
  tile->rows = rows;
  tile->back = shape.depth - taken;
  tile->depth = shape.depth;
  tile->strides = 2 * stride;
  tile->first_start = tile->starts;
  tile->one = 1;
  tile->offset = scaling.output_offset;
  tile->rows_end = rows + kRows * taken;
}

// Any scaling: for multipliers of 1/2 and above.
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
  constexpr int32_t kFarthest = UINT16_MAX - kRows;  // PlacesOfPairs
  const int32_t paired = output_stride > kFarthest ? 0 : columns & ~1;
  const int8_t* const column = reinterpret_cast<const int8_t*>(panel);
  int8_t* const laid = reinterpret_cast<int8_t*>(row_memory);
  Tile tile;
  PrepareTile(shape, scaling, laid, output_stride, &tile);
  tile.columns_end = column + paired * shape.depth;
  for (int32_t row = 0; row < rows; row += kRows, output += kRows) {
    const int32_t count = rows - row < kRows ? rows - row : kRows;
    const int32x4_t sums = LayRows(weights + row * shape.depth, shape.depth, count, laid);
    ReadScaling(shape, scaling.From(row), count, sums, &tile);
    if (count < kRows) {
      for (int32_t i = 0; i < columns; ++i) {
        int8_t four[kRows];
        MultiplyColumns(tile, column + i * shape.depth, 1, four, 0);
        std::memcpy(output + i * output_stride, four, static_cast<std::size_t>(count));
      }
      return;
    }
    if (paired != 0) {
      MultiplyColumnPairs(&tile, column, output);
    }
    if (paired != columns) {
      MultiplyColumns(tile, tile.columns_end, columns - paired, output + paired * output_stride,
                      output_stride);
    }
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

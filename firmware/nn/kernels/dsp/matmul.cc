// SPDX-License-Identifier: Apache-2.0
// Matrix product for Arm cores with the DSP extension.
//
// Panel: pairs of columns; of each, for every four values, the words (0,2) and (1,3) of column 0,
// then of column 1. A pair of weight rows is widened into the same form. SMLAD then needs no other
// rearrangement: two LDM bring 2 x 2 x 4 factors for eight SMLAD.
#include "nn/kernels/matmul.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

#include "nn/kernels/dsp/dsp.h"

namespace stapes {
namespace {

using namespace dsp;

// What MultiplyTiles reads for a pair of rows; the assembly knows the layout.
struct RowPair {
  const int16_t* rows;
  int32_t bias[2];
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  const int16_t* rows_end;
  DownScale scales[2];
  int32_t output_offset;
  int32_t output_stride;  // bytes from column to column
  int32_t second_row;     // bytes from the first row's output to the second's
};
static_assert(sizeof(RowPair) == 48, "MultiplyTiles reads it by position");

constexpr uint32_t kGroup = 4;       // values that one step of the loop takes
constexpr uint32_t kStepBytes = 40;  // of code
constexpr uint32_t kSteps = 4;       // unrolled

// clang-format off
#define STAPES_TILE_STEP                                              \
  "ldmia r0!, {r6, r7, r8, r9}\n"                                     \
  "ldmia r1!, {r10, r11, r12, lr}\n"                                  \
  "smlad r2, r6, r10, r2\n"                                           \
  "smlad r3, r8, r10, r3\n"                                           \
  "smlad r4, r6, r12, r4\n"                                           \
  "smlad r5, r8, r12, r5\n"                                           \
  "smlad r2, r7, r11, r2\n"                                           \
  "smlad r3, r9, r11, r3\n"                                           \
  "smlad r4, r7, lr, r4\n"                                            \
  "smlad r5, r9, lr, r5\n"

// DownScale, then saturation to int8.
#define STAPES_TILE_SCALE(sum, twice, power)                          \
  "smmlar " sum ", " sum ", " twice ", " sum "\n"                        \
  "add " sum ", " sum ", " sum ", asr #31\n"                          \
  "smmlsr " sum ", " sum ", " power ", r10\n"                         \
  "ssat " sum ", #8, " sum "\n"

// Two rows against every pair of columns up to `panel_end`.
__attribute__((naked, noinline)) void MultiplyTiles(const int16_t*, const RowPair*, int8_t*,
                                                    const int16_t*) {
  __asm__(
      "push {r1-r11, lr}\n"  // sp: row pair, output, panel end, rows end (was r4)
      "ldr r4, [r1, #16]\n"
      "str r4, [sp, #12]\n"
      "b 3f\n"
      ".p2align 2\n"
      "1:\n" STAPES_TILE_STEP STAPES_TILE_STEP STAPES_TILE_STEP STAPES_TILE_STEP
      "ldr r6, [sp, #12]\n"
      "cmp r1, r6\n"
      "bne 1b\n"
      "ldr r12, [sp]\n"
      "adds r12, #20\n"
      "ldm r12, {r6, r7, r8, r9, r10, r11, lr}\n"
      "ldr r12, [sp, #4]\n"
      STAPES_TILE_SCALE("r2", "r6", "r7")
      STAPES_TILE_SCALE("r3", "r6", "r7")
      STAPES_TILE_SCALE("r4", "r8", "r9")
      STAPES_TILE_SCALE("r5", "r8", "r9")
      "strb r2, [r12]\n"
      "strb r4, [r12, lr]\n"
      "add r12, r11\n"
      "strb r3, [r12]\n"
      "strb r5, [r12, lr]\n"
      "add r12, r11\n"
      "str r12, [sp, #4]\n"
      "ldr r6, [sp, #8]\n"
      "cmp r0, r6\n"
      "beq 4f\n"
      "3:\n"
      "ldr r12, [sp]\n"
      "ldm r12, {r1, r2, r4, r6}\n"
      "adr r7, 1b\n"
      "adds r6, r7\n"
      "adds r6, #1\n"
      "mov r3, r2\n"
      "mov r5, r4\n"
      "bx r6\n"
      "4:\n"
      "pop {r1-r11, pc}\n");
}
// clang-format on

// Leading whole groups of two rows in panel form; returns how many values were taken.
int32_t WidenGroups(const int8_t* first, const int8_t* second, int32_t depth, uint32_t* to) {
  const int8_t* const end = first + (depth & ~3);
  if (first == end) {
    return 0;
  }
  __asm__ volatile(
      "1:\n"
      "ldr r5, [%[a]], #4\n"
      "ldr r8, [%[b]], #4\n"
      "sxtb16 r4, r5\n"
      "sxtb16 r5, r5, ror #8\n"
      "sxtb16 r6, r8\n"
      "sxtb16 r8, r8, ror #8\n"
      "stmia %[to]!, {r4, r5, r6, r8}\n"
      "cmp %[a], %[end]\n"
      "bne 1b\n"
      : [a] "+r"(first), [b] "+r"(second), [to] "+r"(to)
      : [end] "r"(end)
      : "r4", "r5", "r6", "r8", "cc", "memory");
  return depth & ~3;
}

// The same for columns, less their zero point.
int32_t WidenColumnGroups(const int8_t* first, const int8_t* second, int32_t depth, uint32_t offset,
                          uint32_t* to) {
  const int8_t* const end = first + (depth & ~3);
  if (first == end) {
    return 0;
  }
  __asm__ volatile(
      "1:\n"
      "ldr r5, [%[a]], #4\n"
      "ldr r8, [%[b]], #4\n"
      "sxtab16 r4, %[offset], r5\n"
      "sxtab16 r5, %[offset], r5, ror #8\n"
      "sxtab16 r6, %[offset], r8\n"
      "sxtab16 r8, %[offset], r8, ror #8\n"
      "stmia %[to]!, {r4, r5, r6, r8}\n"
      "cmp %[a], %[end]\n"
      "bne 1b\n"
      : [a] "+r"(first), [b] "+r"(second), [to] "+r"(to)
      : [end] "r"(end), [offset] "r"(offset)
      : "r4", "r5", "r6", "r8", "cc", "memory");
  return depth & ~3;
}

// The next four bytes as a word, zeros in place of those beyond `count`.
uint32_t LoadTail(const int8_t* from, int32_t count) {
  if (count >= 4) {
    return LoadWord(from);
  }
  uint32_t word = 0;
  for (int32_t i = 0; i < count; ++i) {
    word |= static_cast<uint32_t>(static_cast<uint8_t>(from[i])) << (8 * i);
  }
  return word;
}

void WidenRows(const int8_t* first, const int8_t* second, int32_t depth, int16_t* to) {
  uint32_t* const word = reinterpret_cast<uint32_t*>(to);
  const int32_t done = WidenGroups(first, second, depth, word);
  if (done == depth) {
    return;
  }
  const uint32_t a = LoadTail(first + done, depth - done);
  const uint32_t b = LoadTail(second + done, depth - done);
  word[done] = WidenEven(a);
  word[done + 1] = WidenOdd(a);
  word[done + 2] = WidenEven(b);
  word[done + 3] = WidenOdd(b);
}

}  // namespace

void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel) {
  const int32_t depth = shape.depth;
  const uint32_t offset = BothHalves(shape.input_offset);
  uint32_t* word = reinterpret_cast<uint32_t*>(panel + index * PaddedDepth(depth));
  int32_t done = WidenColumnGroups(first, second, depth, offset, word);
  if (done < depth) {
    word += done;
    const uint32_t a = LoadTail(first + done, depth - done);
    const uint32_t b = LoadTail(second + done, depth - done);
    word[0] = WidenEvenAdd(a, offset);
    word[1] = WidenOddAdd(a, offset);
    word[2] = WidenEvenAdd(b, offset);
    word[3] = WidenOddAdd(b, offset);
  }
}

namespace {

// Any scaling, one sum at a time: for multipliers of 1/2 and above.
void MultiplySlowly(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                    int32_t columns, const int8_t* weights, int32_t rows, int8_t* output,
                    int32_t output_stride) {
  for (int32_t column = 0; column < columns; ++column) {
    const uint32_t* const start =
        reinterpret_cast<const uint32_t*>(panel + (column & ~1) * PaddedDepth(shape.depth)) +
        2 * (column & 1);
    for (int32_t row = 0; row < rows; ++row) {
      const int8_t* const from = weights + row * shape.depth;
      const uint32_t* word = start;
      int32_t sum = 0;
      for (int32_t i = 0; i < shape.depth; i += 4, word += 4) {
        const uint32_t four = LoadTail(from + i, shape.depth - i);
        sum = MultiplyPairs(word[0], WidenEven(four), sum);
        sum = MultiplyPairs(word[1], WidenOdd(four), sum);
      }
      output[column * output_stride + row] = scaling(row, sum);
    }
  }
}

RowPair ReadRowPair(const Scaling& scaling, int32_t row, int32_t other) {
  RowPair pair = {};
  pair.bias[0] = scaling.Bias(row);
  pair.bias[1] = scaling.Bias(other);
  pair.scales[0] = scaling.Down(row);
  pair.scales[1] = scaling.Down(other);
  pair.second_row = other - row;
  pair.output_offset = scaling.output_offset;
  return pair;
}

}  // namespace

void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t* row_memory,
                   int8_t* output, int32_t output_stride) {
  if (!scaling.fast) {
    MultiplySlowly(shape, scaling, panel, columns, weights, rows, output, output_stride);
    return;
  }
  const int32_t padded = PaddedDepth(shape.depth);
  const uint32_t groups = static_cast<uint32_t>(padded) / kGroup;
  const int32_t paired = columns & ~1;
  for (int32_t row = 0; row < rows; row += 2) {
    const int32_t other = row + 1 < rows ? row + 1 : row;
    WidenRows(weights + row * shape.depth, weights + other * shape.depth, shape.depth, row_memory);
    RowPair pair = ReadRowPair(scaling, row, other);
    pair.rows = row_memory;
    pair.rows_end = row_memory + 2 * padded;
    pair.entry = (kSteps - groups % kSteps) % kSteps * kStepBytes;
    pair.output_stride = output_stride;
    if (paired != 0) {
      MultiplyTiles(panel, &pair, output + row, panel + paired * padded);
    }
    if (paired == columns) {
      continue;
    }
    pair.output_stride = 0;  // both columns are the last one
    MultiplyTiles(panel + paired * padded, &pair, output + paired * output_stride + row,
                  panel + (paired + 2) * padded);
  }
  for (int32_t column = 0; column < columns; ++column) {
    ClampOutputs(scaling, output + column * output_stride, rows);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

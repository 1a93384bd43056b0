// SPDX-License-Identifier: Apache-2.0
// Products of many rows of weights with one vector, for Arm cores without the DSP extension: four
// rows at a time, which share the loads of the values. Cortex-M3 needs 9 instructions for four
// products; Cortex-M0, which has fewer registers and addresses fewer ways, 15.
//
// Half or more of the values behind a ReLU are often 0. Then only the others are listed, each with
// its place, and four products take 10 instructions or 16.
//
// Cortex-M3 also makes two products by one multiplication where all values are small, see
// MultiplyPairs.
#include "nn/kernels/dot.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_THUMB

namespace stapes {
namespace {

// What the loops below read; the assembly knows the layout.
struct RowQuads {
  const int16_t* values;  // or the list or the pairs
  int32_t stride;         // bytes from row to row
  uint32_t entry;         // bytes of the unrolled loop to skip at first
  int32_t count;          // values, or entries of the list, or fours of pairs, more than 0
  int32_t* sums_end;
  uint32_t skipped;  // bytes of values of these steps
};

// clang-format off
#if defined(__thumb2__)

// A load takes two cycles, and one right after another load; a product two. So all loads of a step
// come first.
#define STAPES_ROW_STEP(place)       \
  "ldrsh.w r8, [r0, #" place "]\n"   \
  "ldrsb.w r10, [r1, r2]\n"          \
  "ldrsb.w r11, [r1, r2, lsl #1]\n"  \
  "ldrsb.w r12, [r1, r3]\n"          \
  "ldrsb.w r9, [r1], #1\n"           \
  "mla r5, r8, r10, r5\n"            \
  "mla r6, r8, r11, r6\n"            \
  "mla r7, r8, r12, r7\n"            \
  "mla r4, r8, r9, r4\n"

// Four rows at a time up to quads->sums_end.
__attribute__((naked, noinline)) void MultiplyRowQuads(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      "push {r0, r2, r4-r11, lr}\n"
      "sub sp, #8\n"
      "ldrd r3, r2, [r0]\n"  // values, stride
      "ldrd r4, r5, [r0, #8]\n"
      "add lr, r3, r5, lsl #1\n"
      "adr r12, 1f\n"
      "add r12, r4\n"
      "adds r12, #1\n"
      "ldr r4, [r0, #20]\n"
      "sub r3, r3, r4\n"
      "strd r3, r12, [sp]\n"  // sp: where the values begin for the steps, entry, quads, sums
      "add r3, r2, r2, lsl #1\n"
      "0:\n"
      "ldrd r0, r12, [sp]\n"
      "movs r4, #0\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "bx r12\n"
      ".p2align 2\n"
      "1:\n"
      STAPES_ROW_STEP("0") STAPES_ROW_STEP("2") STAPES_ROW_STEP("4") STAPES_ROW_STEP("6")
      STAPES_ROW_STEP("8") STAPES_ROW_STEP("10") STAPES_ROW_STEP("12") STAPES_ROW_STEP("14")
      "adds r0, #16\n"
      "cmp r0, lr\n"
      "bne 1b\n"
      "ldrd r8, r12, [sp, #8]\n"
      "ldrd r9, r10, [r8, #12]\n"
      "stmia r12!, {r4, r5, r6, r7}\n"
      "str r12, [sp, #12]\n"
      "add r1, r1, r3\n"
      "subs r9, r2, r9\n"
      "add r1, r9\n"
      "cmp r12, r10\n"
      "bne 0b\n"
      "add sp, #16\n"
      "pop {r4-r11, pc}\n");
}

#define STAPES_LIST_STEP(value, place) \
  "ldrh.w lr, [r0, #" place "]\n"      \
  "ldrsh.w r9, [r0, #" value "]\n"     \
  "ldrsb.w r10, [r1, lr]\n"            \
  "ldrsb.w r11, [r2, lr]\n"            \
  "ldrsb.w r12, [r3, lr]\n"            \
  "ldrsb.w lr, [r4, lr]\n"             \
  "mla r5, r9, r10, r5\n"              \
  "mla r6, r9, r11, r6\n"              \
  "mla r7, r9, r12, r7\n"              \
  "mla r8, r9, lr, r8\n"

__attribute__((naked, noinline)) void MultiplyListed(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      "push {r0, r2, r4-r11, lr}\n"
      "sub sp, #16\n"
      "ldrd r3, r4, [r0]\n"  // list, stride
      "ldrd r5, r6, [r0, #8]\n"
      "add r7, r3, r6, lsl #2\n"
      "adr r12, 1f\n"
      "add r12, r5\n"
      "adds r12, #1\n"
      "ldr r5, [r0, #20]\n"
      "subs r3, r3, r5\n"
      "strd r3, r12, [sp]\n"  // sp: where the list begins for the steps, entry, end, stride, quads,
      "strd r7, r4, [sp, #8]\n"  // sums
      "0:\n"
      "ldrd r0, r12, [sp]\n"
      "ldr r4, [sp, #12]\n"
      "add r2, r1, r4\n"
      "add r3, r2, r4\n"
      "add r4, r3\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "mov r8, #0\n"
      "bx r12\n"
      ".p2align 2\n"
      "1:\n"
      STAPES_LIST_STEP("0", "2") STAPES_LIST_STEP("4", "6")
      STAPES_LIST_STEP("8", "10") STAPES_LIST_STEP("12", "14")
      "ldr r9, [sp, #8]\n"
      "adds r0, #16\n"
      "cmp r0, r9\n"
      "bne 1b\n"
      "ldr r9, [sp, #12]\n"
      "add r1, r4, r9\n"
      "ldrd r9, r12, [sp, #16]\n"
      "ldr r10, [r9, #16]\n"
      "stmia r12!, {r5, r6, r7, r8}\n"
      "str r12, [sp, #20]\n"
      "cmp r12, r10\n"
      "bne 0b\n"
      "add sp, #24\n"
      "pop {r4-r11, pc}\n");
}

// Four rows at a time against four values at a time, which come as v2 + 2^16 v0 and v3 + 2^16 v1.
// The weights' bytes are biased to u = w + 128, so that a mask makes u0 + 2^16 u2 and u1 + 2^16 u3
// of a word. The upper half of the product of both is u0 v0 + u2 v2; multiples of the values take
// the bias off again, with 2^15 that rounds away what is below. Values within -63 to 63 and any
// weights give |w0 v0 + w1 v1 + w2 v2 + w3 v3| < 2^15 and less than 2^15 below it.
#define STAPES_PAIRS_ROW(sum, from)  \
  "ldr.w r12, " from "\n"            \
  "eor.w r12, r12, #0x80808080\n"    \
  "and.w lr, r12, r11\n"             \
  "mla lr, lr, r8, r10\n"            \
  "and.w r12, r11, r12, lsr #8\n"    \
  "mla lr, r12, r9, lr\n"            \
  "add.w " sum ", " sum ", lr, asr #16\n"

#define STAPES_PAIRS_STEP(first, second)  \
  "ldr.w r8, [r0, #" first "]\n"          \
  "ldr.w r9, [r0, #" second "]\n"         \
  "add.w r10, r8, r9\n"                   \
  "add.w r10, r10, r10, lsl #16\n"        \
  "lsl.w r10, r10, #7\n"                  \
  "rsb.w r10, r10, #0x8000\n"             \
  STAPES_PAIRS_ROW("r5", "[r1, r2]")      \
  STAPES_PAIRS_ROW("r6", "[r1, r2, lsl #1]")  \
  STAPES_PAIRS_ROW("r7", "[r1, r3]")      \
  STAPES_PAIRS_ROW("r4", "[r1], #4")

__attribute__((naked, noinline)) void MultiplyPairs(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      "push {r0, r2, r4-r11, lr}\n"
      "sub sp, #12\n"
      "ldrd r3, r2, [r0]\n"  // pairs, stride
      "ldrd r4, r5, [r0, #8]\n"
      "add r5, r3, r5, lsl #3\n"
      "adr r12, 1f\n"
      "add r12, r4\n"
      "adds r12, #1\n"
      "ldr r4, [r0, #20]\n"
      "subs r3, r3, r4\n"
      "strd r3, r12, [sp]\n"  // sp: where the pairs begin for the steps, entry, end, quads, sums
      "str r5, [sp, #8]\n"
      "add r3, r2, r2, lsl #1\n"
      "mov r11, #0x00ff00ff\n"
      "0:\n"
      "ldrd r0, r12, [sp]\n"
      "movs r4, #0\n"
      "movs r5, #0\n"
      "movs r6, #0\n"
      "movs r7, #0\n"
      "bx r12\n"
      ".p2align 2\n"
      "1:\n"
      STAPES_PAIRS_STEP("0", "4") STAPES_PAIRS_STEP("8", "12")
      "ldr r8, [sp, #8]\n"
      "adds r0, #16\n"
      "cmp r0, r8\n"
      "bne 1b\n"
      "ldrd r8, r12, [sp, #12]\n"
      "ldrd r9, r10, [r8, #12]\n"
      "stmia r12!, {r4, r5, r6, r7}\n"
      "str r12, [sp, #16]\n"
      "add r1, r1, r3\n"
      "sub r9, r2, r9, lsl #2\n"
      "add r1, r9\n"
      "cmp r12, r10\n"
      "bne 0b\n"
      "add sp, #20\n"
      "pop {r4-r11, pc}\n");
}

// Values from `from` to `end`, at least four, widened.
__attribute__((naked, noinline)) void WidenFours(const int8_t* /*from*/, const int8_t* /*end*/,
                                                 int32_t /*offset*/, int16_t*) {
  __asm__(
      "push {r4-r7}\n"
      "1:\n"
      "ldrsb r4, [r0]\n"
      "ldrsb r5, [r0, #1]\n"
      "ldrsb r6, [r0, #2]\n"
      "ldrsb r7, [r0, #3]\n"
      "adds r0, #4\n"
      "adds r4, r4, r2\n"
      "adds r5, r5, r2\n"
      "adds r6, r6, r2\n"
      "adds r7, r7, r2\n"
      "strh r4, [r3]\n"
      "strh r5, [r3, #2]\n"
      "strh r6, [r3, #4]\n"
      "strh r7, [r3, #6]\n"
      "adds r3, #8\n"
      "cmp r0, r1\n"
      "bne 1b\n"
      "pop {r4-r7}\n"
      "bx lr\n");
}

#define STAPES_LIST_VALUE(value)     \
  "adds " value ", " value ", r2\n"  \
  "strh " value ", [r3]\n"           \
  "strh r8, [r3, #2]\n"              \
  "it ne\n"                          \
  "addne r3, #4\n"                   \
  "add r8, r8, #1\n"

// Lists values from `from` to `end`, at least four, that are not 0 with the offset. Returns the end
// of the list, or nullptr if there might be no room up to `list_end`.
__attribute__((naked, noinline)) uint32_t* ListFours(const int8_t* /*from*/, const int8_t* /*end*/,
                                                     int32_t /*offset*/, uint32_t*,
                                                     const uint32_t* /*list_end*/) {
  __asm__(
      "push {r4-r9}\n"
      "ldr r9, [sp, #24]\n"
      "subs r9, #16\n"
      "mov r8, #0\n"
      "1:\n"
      "cmp r3, r9\n"
      "it hi\n"
      "movhi r3, #0\n"
      "bhi 2f\n"
      "ldrsb r4, [r0]\n"
      "ldrsb r5, [r0, #1]\n"
      "ldrsb r6, [r0, #2]\n"
      "ldrsb r7, [r0, #3]\n"
      "adds r0, #4\n"
      STAPES_LIST_VALUE("r4") STAPES_LIST_VALUE("r5")
      STAPES_LIST_VALUE("r6") STAPES_LIST_VALUE("r7")
      "cmp r0, r1\n"
      "bne 1b\n"
      "2:\n"
      "mov r0, r3\n"
      "pop {r4-r9}\n"
      "bx lr\n");
}

#else

// What the two loops below share. On the stack: quads, rows, sums, entry.
#define STAPES_ROWS_ENTER  \
  ".syntax unified\n"      \
  "push {r4-r7, lr}\n"     \
  "mov r4, r8\n"           \
  "mov r5, r9\n"           \
  "mov r6, r10\n"          \
  "mov r7, r11\n"          \
  "push {r4-r7}\n"         \
  "ldr r4, [r0, #8]\n"     \
  "adr r3, 1f\n"           \
  "adds r3, r4\n"          \
  "adds r3, #1\n"          \
  "push {r0-r3}\n"         \
  "ldr r4, [r0, #12]\n"

// The next four rows: the sums are 0, and the unrolled loop is entered.
#define STAPES_ROWS_BEGIN  \
  "0:\n"                   \
  "ldr r0, [sp]\n"         \
  "ldr r1, [sp, #4]\n"     \
  "ldr r6, [r0, #4]\n"     \
  "adds r2, r1, r6\n"      \
  "adds r3, r2, r6\n"      \
  "adds r4, r3, r6\n"      \
  "adds r5, r4, r6\n"      \
  "str r5, [sp, #4]\n"     \
  "ldr r0, [r0]\n"         \
  "movs r5, #0\n"          \
  "mov r8, r5\n"           \
  "mov r9, r5\n"           \
  "mov r10, r5\n"          \
  "mov r11, r5\n"          \
  "ldr r7, [sp, #12]\n"    \
  "bx r7\n"                \
  ".p2align 2\n"

// The sums are kept; after the last rows, return.
#define STAPES_ROWS_END            \
  "bne 1b\n"                       \
  "ldr r0, [sp, #8]\n"             \
  "mov r1, r8\n"                   \
  "mov r2, r9\n"                   \
  "mov r3, r10\n"                  \
  "mov r4, r11\n"                  \
  "stmia r0!, {r1, r2, r3, r4}\n"  \
  "str r0, [sp, #8]\n"             \
  "ldr r1, [sp]\n"                 \
  "ldr r1, [r1, #16]\n"            \
  "cmp r0, r1\n"                   \
  "bne 0b\n"                       \
  "add sp, #16\n"                  \
  "pop {r4-r7}\n"                  \
  "mov r8, r4\n"                   \
  "mov r9, r5\n"                   \
  "mov r10, r6\n"                  \
  "mov r11, r7\n"                  \
  "pop {r4-r7, pc}\n"

#define STAPES_ROW_STEP              \
  "ldrsh r6, [r0, r5]\n"             \
  "ldrsb r7, [r1, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r8, r7\n"                     \
  "ldrsb r7, [r2, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r9, r7\n"                     \
  "ldrsb r7, [r3, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r10, r7\n"                    \
  "ldrsb r7, [r4, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r11, r7\n"                    \
  "adds r0, #1\n"                    \
  "adds r5, #1\n"

__attribute__((naked, noinline)) void MultiplyRowQuads(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      STAPES_ROWS_ENTER
      "mov r12, r4\n"
      STAPES_ROWS_BEGIN
      "1:\n" STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP STAPES_ROW_STEP
      "cmp r5, r12\n"
      STAPES_ROWS_END);
}

// Entry: place in the upper half of a word, value in the lower.
#define STAPES_LIST_STEP             \
  "ldr r5, [r0]\n"                   \
  "sxth r6, r5\n"                    \
  "lsrs r5, r5, #16\n"               \
  "ldrsb r7, [r1, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r8, r7\n"                     \
  "ldrsb r7, [r2, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r9, r7\n"                     \
  "ldrsb r7, [r3, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r10, r7\n"                    \
  "ldrsb r7, [r4, r5]\n"             \
  "muls r7, r6, r7\n"                \
  "add r11, r7\n"                    \
  "adds r0, #4\n"

__attribute__((naked, noinline)) void MultiplyListed(const RowQuads*, const int8_t*, int32_t*) {
  __asm__(
      STAPES_ROWS_ENTER
      "lsls r4, r4, #2\n"
      "ldr r5, [r0]\n"
      "adds r4, r4, r5\n"
      "mov r12, r4\n"
      STAPES_ROWS_BEGIN
      "1:\n" STAPES_LIST_STEP STAPES_LIST_STEP STAPES_LIST_STEP STAPES_LIST_STEP
      "cmp r0, r12\n"
      STAPES_ROWS_END);
}

void WidenFours(const int8_t* from, const int8_t* end, int32_t offset, int16_t* wide) {
  while (from != end) {
    *wide++ = static_cast<int16_t>(*from++ + offset);
  }
}

uint32_t* ListFours(const int8_t* from, const int8_t* end, int32_t offset, uint32_t* list,
                    const uint32_t* list_end) {
  const int32_t count = end - from;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t value = from[i] + offset;
    if (value != 0) {
      if (list == list_end) {
        return nullptr;
      }
      *list++ = static_cast<uint32_t>(i) << 16 | static_cast<uint16_t>(value);
    }
  }
  return list;
}

#endif
// clang-format on

struct RowLoop {
  void (*multiply)(const RowQuads*, const int8_t*, int32_t*);
  uint32_t steps;       // unrolled
  uint32_t step_bytes;  // of code
  uint32_t entry_bytes;
};

#if defined(__thumb2__)

constexpr bool kHasPairs = true;
constexpr RowLoop kLoops[] = {
    {MultiplyRowQuads, 8, 36, 2}, {MultiplyListed, 4, 40, 4}, {MultiplyPairs, 2, 136, 8}};

#else

constexpr bool kHasPairs = false;
constexpr RowLoop kLoops[] = {{MultiplyRowQuads, 4, 30, 2}, {MultiplyListed, 4, 32, 4}};

#endif

// The pairs that MultiplyPairs takes of `count` values, a multiple of 4; false if one is too large.
bool PairFours(const int8_t* values, int32_t count, int32_t offset, uint32_t* pairs) {
  constexpr int32_t kMost = 63;
  int32_t sizes = 0;
  for (const int8_t* const end = values + count; values != end; values += 4) {
    const int32_t four[4] = {values[0] + offset, values[1] + offset, values[2] + offset,
                             values[3] + offset};
    for (const int32_t value : four) {
      sizes |= value < 0 ? -value : value;
    }
    *pairs++ = static_cast<uint32_t>(four[2]) + (static_cast<uint32_t>(four[0]) << 16);
    *pairs++ = static_cast<uint32_t>(four[3]) + (static_cast<uint32_t>(four[1]) << 16);
  }
  return sizes <= kMost;
}

int32_t DotPairs(const WideVector& wide, const int8_t* weights) {
  const auto* const pairs = reinterpret_cast<const int32_t*>(wide.values);
  int32_t sum = 0;
  for (int32_t i = 0; i < 2 * wide.count; ++i) {
    const int32_t lower = static_cast<int16_t>(pairs[i]);
    const int8_t* const four = weights + 4 * (i / 2) + i % 2;
    sum += four[0] * ((pairs[i] - lower) >> 16) + four[2] * lower;
  }
  return sum;
}

int32_t DotListed(const WideVector& wide, const int8_t* weights) {
  const auto* const list = reinterpret_cast<const uint32_t*>(wide.values);
  uint32_t sum = 0;
  for (int32_t i = 0; i < wide.count; ++i) {
    sum += static_cast<uint32_t>(static_cast<int16_t>(list[i]) * weights[list[i] >> 16]);
  }
  return static_cast<int32_t>(sum);
}

int32_t DotRow(const WideVector& wide, const int8_t* weights) {
  switch (wide.form) {
    case WideForm::kList:
      return DotListed(wide, weights);
    case WideForm::kPairs:
      return DotPairs(wide, weights);
    default:
      return DotWideS8(wide.values, weights, wide.count);
  }
}

}  // namespace

WideVector WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  int32_t i = count & ~3;
  if (i > 0) {
    WidenFours(values, values + i, offset, wide);
  }
  for (; i < count; ++i) {
    wide[i] = static_cast<int16_t>(values[i] + offset);
  }
  return {wide, count, 1};
}

WideVector WidenForRows(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  if (count % 4 != 0 || count > UINT16_MAX) {
    return WidenS8(values, count, offset, wide);
  }
  auto* const words = reinterpret_cast<uint32_t*>(wide);
  const uint32_t* const end = ListFours(values, values + count, offset, words, words + count / 2);
  if (end != nullptr) {
    return {wide, static_cast<int32_t>(end - words), 1, WideForm::kList};
  }
  if (kHasPairs && PairFours(values, count, offset, words)) {
    return {wide, count / 4, 1, WideForm::kPairs};
  }
  return WidenS8(values, count, offset, wide);
}

void DotRowBlock(const WideVector& wide, const int8_t* weights, int32_t rows, int32_t stride,
                 int32_t* sums) {
  int32_t row = 0;
  if (rows >= 4 && wide.count > 0) {
    row = rows & ~3;
    const RowLoop& loop = kLoops[static_cast<int>(wide.form)];
    const uint32_t skipped =
        (loop.steps - static_cast<uint32_t>(wide.count) % loop.steps) % loop.steps;
    const RowQuads quads = {wide.values, stride,     skipped * loop.step_bytes,
                            wide.count,  sums + row, skipped * loop.entry_bytes};
    loop.multiply(&quads, weights, sums);
  }
  for (; row < rows; ++row) {
    sums[row] = DotRow(wide, weights + row * stride);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_THUMB

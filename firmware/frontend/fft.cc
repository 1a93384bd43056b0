// SPDX-License-Identifier: Apache-2.0
#include "frontend/fft.h"

#include "base/fixed_point.h"
#include "frontend/butterfly.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/fft_stages.h"
#endif

namespace stapes {
namespace {

// Joins sub-transforms of 2 numbers to sub-transforms of 4.
#if defined(STAPES_USE_HELIUM)

// The window's loop has joined them.
inline void JoinPairs(ComplexInt*, uint32_t) {}

#elif defined(STAPES_USE_ARM_DSP)

void JoinPairs(ComplexInt* values, uint32_t size) {
  const ComplexInt* const end = values + size;
  int32_t a, b, c, d, e, f, g, h;
  __asm__ volatile(
      "1:\n"
      "ldrd %[a], %[b], [%[v]]\n"
      "ldrd %[c], %[d], [%[v], #16]\n"
      "add  %[e], %[a], %[c]\n"
      "add  %[f], %[b], %[d]\n"
      "sub  %[a], %[a], %[c]\n"
      "sub  %[b], %[b], %[d]\n"
      "ldrd %[c], %[d], [%[v], #8]\n"
      "ldrd %[g], %[h], [%[v], #24]\n"
      "strd %[a], %[b], [%[v], #16]\n"
      "add  %[a], %[c], %[h]\n"
      "sub  %[b], %[d], %[g]\n"
      "sub  %[c], %[c], %[h]\n"
      "add  %[d], %[d], %[g]\n"
      "strd %[a], %[b], [%[v], #8]\n"
      "strd %[c], %[d], [%[v], #24]\n"
      "strd %[e], %[f], [%[v]], #32\n"
      "cmp  %[v], %[end]\n"
      "bne  1b\n"
      : [v] "+r"(values), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e),
        [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h)
      : [end] "r"(end)
      : "cc", "memory");
}

#else

void JoinPairs(ComplexInt* values, uint32_t size) {
  for (const ComplexInt* end = values + size; values != end; values += 4) {
    JoinFour(values);
  }
}

#endif

// Joins sub-transforms of `quarter` numbers to transforms of four times as many.
#ifdef STAPES_USE_THUMB2

// The number at `from`, turned by the angle at `place` of the twiddles and halved. The carry takes
// the highest bit of a product's lower word, which rounds the upper word.
// clang-format off
#define STAPES_HALF_ROTATED(re, im, from, place)  \
  "ldrd  r5, r6, [" from "]\n"                    \
  "ldrd  r7, r8, [r4, #" place "]\n"              \
  "smull r10, " re ", r5, r7\n"                   \
  "adds  r10, r10, r10\n"                         \
  "adc   " re ", " re ", #0\n"                    \
  "smull r10, r11, r6, r8\n"                      \
  "adds  r10, r10, r10\n"                         \
  "adc   " re ", " re ", r11\n"                   \
  "smull r10, " im ", r6, r7\n"                   \
  "adds  r10, r10, r10\n"                         \
  "adc   " im ", " im ", #0\n"                    \
  "rsb   r5, r5, #0\n"                            \
  "smull r10, r11, r5, r8\n"                      \
  "adds  r10, r10, r10\n"                         \
  "adc   " im ", " im ", r11\n"

// Butterfly (butterfly.h) over all numbers up to `end`; compilers lack the registers for it.
__attribute__((naked, noinline)) void JoinQuarters(ComplexInt*, const ComplexInt* /*end*/,
                                                   uint32_t /*quarter_bytes*/, const int32_t*) {
  __asm__(
      "push  {r4-r11, lr}\n"
      "push  {r0-r3}\n"
      "0:\n"
      "ldr   r12, [sp, #8]\n"
      "ldr   r4, [sp, #12]\n"
      "add   r1, r0, r12\n"
      "add   r2, r1, r12\n"
      "add   r3, r2, r12\n"
      "str   r1, [sp]\n"  // where the first quarter ends
      "1:\n"
      STAPES_HALF_ROTATED("r9", "r12", "r1", "8")
      "ldrd  r5, r6, [r0]\n"
      "add   r7, r5, r9, lsl #1\n"
      "add   r8, r6, r12, lsl #1\n"
      "sub   r5, r5, r9, lsl #1\n"
      "sub   r6, r6, r12, lsl #1\n"
      "strd  r7, r8, [r0]\n"  // kept meanwhile: v0 + 2 t2 and, at v1, v0 - 2 t2
      "strd  r5, r6, [r1]\n"
      STAPES_HALF_ROTATED("r9", "r12", "r2", "0")
      STAPES_HALF_ROTATED("lr", "r6", "r3", "16")
      "adds  r4, #24\n"
      "add   r7, r9, lr\n"  // t1 + t3: r7, r8
      "add   r8, r12, r6\n"
      "sub   r9, r9, lr\n"  // t1 - t3: r9, r12
      "sub   r12, r12, r6\n"
      "ldrd  r5, r6, [r0]\n"
      "add   r10, r5, r7, lsl #1\n"
      "add   r11, r6, r8, lsl #1\n"
      "sub   r5, r5, r7, lsl #1\n"
      "sub   r6, r6, r8, lsl #1\n"
      "strd  r10, r11, [r0], #8\n"
      "strd  r5, r6, [r2], #8\n"
      "ldrd  r5, r6, [r1]\n"
      "add   r10, r5, r12, lsl #1\n"
      "sub   r11, r6, r9, lsl #1\n"
      "sub   r5, r5, r12, lsl #1\n"
      "add   r6, r6, r9, lsl #1\n"
      "strd  r10, r11, [r1], #8\n"
      "strd  r5, r6, [r3], #8\n"
      "ldr   r7, [sp]\n"
      "cmp   r0, r7\n"
      "bne   1b\n"
      "ldr   r7, [sp, #4]\n"
      "mov   r0, r3\n"  // where the last quarter ends
      "cmp   r0, r7\n"
      "bne   0b\n"
      "add   sp, #16\n"
      "pop   {r4-r11, pc}\n");
}
// clang-format on

void StageRadix4(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  JoinQuarters(values, values + size, quarter * uint32_t{sizeof(ComplexInt)}, twiddles);
}

#else

void StageRadix4(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  for (const ComplexInt* end = values + size; values != end; values += 4 * quarter) {
    const int32_t* stage_twiddles = twiddles;
    ComplexInt* v0 = values;
    ComplexInt* v1 = v0 + quarter;
    ComplexInt* v2 = v1 + quarter;
    ComplexInt* v3 = v2 + quarter;
    for (const ComplexInt* block_end = v1; v0 != block_end;) {
      Butterfly(v0, v1, v2, v3, stage_twiddles);
    }
  }
}

#endif

#if defined(STAPES_USE_HELIUM)

void Stage(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  if (quarter == 4) {
    return helium::StageOfFours(values, size, twiddles);
  }
  if (quarter % 4 != 0) {
    return StageRadix4(values, size, quarter, twiddles);
  }
  helium::Stage(values, size, quarter, twiddles);
}

#else

#ifdef STAPES_USE_ARM_DSP

template <uint32_t kQuarter>
void NearStage(ComplexInt* values, uint32_t size, const int32_t* twiddles) {
  values += NearBase(kQuarter);
  for (const ComplexInt* end = values + size; values != end; values += 3 * kQuarter) {
    const int32_t* stage_twiddles = twiddles;
    for (const ComplexInt* block_end = values + kQuarter; values != block_end;) {
      NearButterfly<kQuarter>(values, stage_twiddles);
      NearButterfly<kQuarter>(values, stage_twiddles);
    }
  }
}

#endif

// One stage. Where the size is a power of 4, the stages with these quarters have code of their own.
void Stage(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
#ifdef STAPES_USE_ARM_DSP
  switch (quarter) {
    case 4:
      return NearStage<4>(values, size, twiddles);
    case 16:
      return NearStage<16>(values, size, twiddles);
    case 64:
      return NearStage<64>(values, size, twiddles);
    default:
      break;
  }
#endif
  StageRadix4(values, size, quarter, twiddles);
}

#endif

}  // namespace

void Fft(int size_log2, const int32_t* twiddles, ComplexInt* values) {
  const uint32_t size = 1u << size_log2;
  uint32_t quarter = 2;
  if (size_log2 % 2 == 0) {
    JoinPairs(values, size);
    quarter = 4;
  }
  for (; quarter < size; quarter *= 4) {
    Stage(values, size, quarter, twiddles);
    twiddles += 6 * quarter;
  }
  values[size] = values[0];
}

}  // namespace stapes

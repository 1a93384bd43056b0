// SPDX-License-Identifier: Apache-2.0
#include "frontend/fft.h"

#include "base/fixed_point.h"
#include "frontend/butterfly.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/fft_stages.h"
#endif

namespace stapes {
namespace {

// Joins sub-transforms of 2 numbers to such of 4.
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

// One stage; of the sizes that are a power of 4 the first ones have code of their own.
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

// SPDX-License-Identifier: Apache-2.0
#include "frontend/magnitudes.h"

#include "base/fixed_point.h"
#include "frontend/square_root.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/magnitudes.h"
#endif

namespace stapes {

#ifdef STAPES_USE_ARM_DSP

// One asm block for all of a bin: compilers spill half of the numbers that the power and its root
// need.
void NextMagnitudes(BinPlace* place, uint32_t count, uint32_t* magnitudes) {
#ifdef STAPES_USE_HELIUM
  if (count >= 4) {
    return helium::Magnitudes(place, count, magnitudes);
  }
#endif
  const uintptr_t roots =
      reinterpret_cast<uintptr_t>(kSquareRootTable.values) - kSquareRootFirst * sizeof(uint16_t);
  const uint32_t one = 1;
  int32_t a, b, c, d, p, q;
  __asm__ volatile(
      "1:\n"
      "ldrd   %[a], %[b], [%[low]], #8\n"
      "ldrd   %[c], %[d], [%[high]], #-8\n"
      "add    %[p], %[a], %[c]\n"  // sum: p, q; difference turned by -90 degrees: b, a
      "sub    %[q], %[b], %[d]\n"
      "sub    %[a], %[c], %[a]\n"
      "add    %[b], %[b], %[d]\n"
      "ldr    %[c], [%[tw]], #4\n"
      "smmulr %[d], %[b], %[c]\n"
      "smmulr %[c], %[a], %[c]\n"
      "add    %[p], %[p], %[d], lsl #1\n"
      "ldr    %[d], [%[tw]], #4\n"
      "smmulr %[a], %[a], %[d]\n"
      "smmlsr %[c], %[b], %[d], %[c]\n"
      "add    %[a], %[p], %[a], lsl #1\n"
      "add    %[c], %[q], %[c], lsl #1\n"
      "smull  %[p], %[q], %[a], %[a]\n"  // the power: p, q
      "smlal  %[p], %[q], %[c], %[c]\n"
      "cbz    %[q], 4f\n"
      "clz    %[a], %[q]\n"  // Normalize<true>: mantissa d, zeros a
      "bic    %[a], %[a], #1\n"
      "lsl    %[b], %[one], %[a]\n"
      "umull  %[c], %[d], %[p], %[b]\n"
      "mla    %[d], %[q], %[b], %[d]\n"
      "2:\n"
      "lsr    %[c], %[d], #24\n"  // Interpolate: two entries at once
      "ldr    %[c], [%[roots], %[c], lsl #1]\n"
      "ubfx   %[d], %[d], #8, #16\n"
      "uxth   %[b], %[c]\n"
      "rsb    %[b], %[b], %[c], lsr #16\n"
      "lsl    %[c], %[c], #16\n"
      "mla    %[c], %[b], %[d], %[c]\n"
      "lsr    %[a], %[a], #1\n"
      "lsr    %[c], %[c], %[a]\n"
      "3:\n"
      "str    %[c], [%[out]], #4\n"
      "subs   %[count], %[count], #1\n"
      "bne    1b\n"
      "b      5f\n"
      "4:\n"  // below 2^32
      "movs   %[c], %[p]\n"
      "beq    3b\n"
      "clz    %[a], %[p]\n"
      "bic    %[a], %[a], #1\n"
      "lsl    %[d], %[p], %[a]\n"
      "add    %[a], %[a], #32\n"
      "b      2b\n"
      "5:\n"
      : [low] "+r"(place->low), [high] "+r"(place->high), [tw] "+r"(place->twiddle),
        [out] "+r"(magnitudes), [count] "+r"(count), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
        [d] "=&r"(d), [p] "=&l"(p), [q] "=&l"(q)
      : [one] "r"(one), [roots] "r"(roots)
      : "cc", "memory");
}

#else

namespace {

// |2 X[k]|^2, below 2^63.
inline uint64_t FourfoldPower(const ComplexInt& low, const ComplexInt& high, int32_t cosine,
                              int32_t sine) {
  const int32_t u = Add(low.im, high.im);
  const int32_t v = Sub(high.re, low.re);
  const int32_t half_re = MulAddHigh(MulHigh(u, cosine), v, sine);
  const int32_t half_im = MulSubHigh(MulHigh(v, cosine), u, sine);
  const int32_t re = Add(Add(low.re, high.re), Twice(half_re));
  const int32_t im = Add(Sub(low.im, high.im), Twice(half_im));
  return AddSquare(AddSquare(0, re), im);
}

}  // namespace

void NextMagnitudes(BinPlace* place, uint32_t count, uint32_t* magnitudes) {
  const int32_t* twiddle = place->twiddle;
  for (uint32_t i = 0; i < count; ++i, twiddle += 2) {
    magnitudes[i] =
        SquareRoot(FourfoldPower(*place->low++, *place->high--, twiddle[0], twiddle[1]));
  }
  place->twiddle = twiddle;
}

#endif

}  // namespace stapes

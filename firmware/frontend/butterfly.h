// SPDX-License-Identifier: Apache-2.0
// Butterflies, where an FFT spends its time.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/complex_int.h"

namespace stapes {

// Joins two sub-transforms of 2 numbers to one of 4.
inline void JoinFour(ComplexInt* values) {
  const ComplexInt a = values[0];
  const ComplexInt b = values[1];
  const ComplexInt c = values[2];
  const ComplexInt d = values[3];
  values[0] = {Add(a.re, c.re), Add(a.im, c.im)};
  values[1] = {Add(b.re, d.im), Sub(b.im, d.re)};
  values[2] = {Sub(a.re, c.re), Sub(a.im, c.im)};
  values[3] = {Sub(b.re, d.im), Add(b.im, d.re)};
}

// One butterfly in place on *v0 .. *v3, the k-th numbers of the transforms of samples 0, 2, 1, 3
// modulo 4 (bit reversal swaps the two in the middle); v1, v2, v3 are first turned by 2a, a, 3a.
// `twiddles`: cosines and sines of a, 2a, 3a in Q31. All pointers move on to the next butterfly.
// Turned numbers are halves, as products of Q31 are, and are doubled on use.
#ifdef STAPES_USE_ARM_DSP

inline void Butterfly(ComplexInt*& v0, ComplexInt*& v1, ComplexInt*& v2, ComplexInt*& v3,
                      const int32_t*& twiddles) {
  // Compilers need 1.5 times as many instructions for the portable form, because they spill
  // registers.
  int32_t a, b, c, d, e, f, g;
  __asm__ volatile(
      "ldrd   %[a], %[b], [%[v1]]\n"  // t2 = v1 turned by 2a: e, c
      "ldrd   %[c], %[d], [%[tw], #8]\n"
      "smmulr %[e], %[a], %[c]\n"
      "smmulr %[c], %[b], %[c]\n"
      "smmlar %[e], %[b], %[d], %[e]\n"
      "smmlsr %[c], %[a], %[d], %[c]\n"
      "ldrd   %[a], %[b], [%[v0]]\n"  // kept: v0 + 2 t2 at v0, v0 - 2 t2 at v1
      "add    %[f], %[a], %[e], lsl #1\n"
      "add    %[g], %[b], %[c], lsl #1\n"
      "sub    %[a], %[a], %[e], lsl #1\n"
      "sub    %[b], %[b], %[c], lsl #1\n"
      "strd   %[f], %[g], [%[v0]]\n"
      "strd   %[a], %[b], [%[v1]]\n"
      "ldrd   %[a], %[b], [%[v2]]\n"  // t1 = v2 turned by a: e, c
      "ldrd   %[c], %[d], [%[tw]], #16\n"
      "smmulr %[e], %[a], %[c]\n"
      "smmulr %[c], %[b], %[c]\n"
      "smmlar %[e], %[b], %[d], %[e]\n"
      "smmlsr %[c], %[a], %[d], %[c]\n"
      "ldrd   %[a], %[b], [%[v3]]\n"  // t3 = v3 turned by 3a: g, d
      "ldrd   %[d], %[f], [%[tw]], #8\n"
      "smmulr %[g], %[a], %[d]\n"
      "smmulr %[d], %[b], %[d]\n"
      "smmlar %[g], %[b], %[f], %[g]\n"
      "smmlsr %[d], %[a], %[f], %[d]\n"
      "add    %[a], %[e], %[g]\n"  // t1 + t3: a, b
      "add    %[b], %[c], %[d]\n"
      "sub    %[e], %[e], %[g]\n"  // t1 - t3: e, c
      "sub    %[c], %[c], %[d]\n"
      "ldrd   %[d], %[f], [%[v0]]\n"
      "add    %[g], %[d], %[a], lsl #1\n"
      "sub    %[d], %[d], %[a], lsl #1\n"
      "add    %[a], %[f], %[b], lsl #1\n"
      "sub    %[f], %[f], %[b], lsl #1\n"
      "strd   %[g], %[a], [%[v0]], #8\n"
      "strd   %[d], %[f], [%[v2]], #8\n"
      "ldrd   %[d], %[f], [%[v1]]\n"
      "add    %[a], %[d], %[c], lsl #1\n"
      "sub    %[b], %[f], %[e], lsl #1\n"
      "sub    %[d], %[d], %[c], lsl #1\n"
      "add    %[f], %[f], %[e], lsl #1\n"
      "strd   %[a], %[b], [%[v1]], #8\n"
      "strd   %[d], %[f], [%[v3]], #8\n"
      : [v0] "+r"(v0), [v1] "+r"(v1), [v2] "+r"(v2), [v3] "+r"(v3), [tw] "+r"(twiddles),
        [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f),
        [g] "=&r"(g)
      :
      : "memory");
}

// How far `values` of NearButterfly is past v0: LDRD and STRD reach 1020 bytes to both sides.
constexpr uint32_t NearBase(uint32_t quarter) { return quarter <= 42 ? 0 : quarter + quarter / 2; }

// The same where v1, v2 and v3 follow v0 at distances of `kQuarter` numbers, at most 64: there is a
// register for every number, and none is kept in memory meanwhile.
template <uint32_t kQuarter>
inline void NearButterfly(ComplexInt*& values, const int32_t*& twiddles) {
  constexpr int kDistance = kQuarter * sizeof(ComplexInt);
  constexpr int kV0 = -static_cast<int>(NearBase(kQuarter) * sizeof(ComplexInt));
  int32_t a, b, c, d, e, f, g, h, i, j, k;
  __asm__ volatile(
      "ldrd   %[a], %[b], [%[v], %[v1]]\n"  // t2 = v1 turned by 2a: e, c
      "ldrd   %[c], %[d], [%[tw], #8]\n"
      "smmulr %[e], %[a], %[c]\n"
      "smmulr %[c], %[b], %[c]\n"
      "smmlar %[e], %[b], %[d], %[e]\n"
      "smmlsr %[c], %[a], %[d], %[c]\n"
      "ldrd   %[a], %[b], [%[v], %[v0]]\n"
      "add    %[f], %[a], %[e], lsl #1\n"  // v0 + 2 t2: f, g
      "add    %[g], %[b], %[c], lsl #1\n"
      "sub    %[a], %[a], %[e], lsl #1\n"  // v0 - 2 t2: a, b
      "sub    %[b], %[b], %[c], lsl #1\n"
      "ldrd   %[c], %[d], [%[v], %[v2]]\n"  // t1 = v2 turned by a: i, e
      "ldrd   %[e], %[h], [%[tw]], #16\n"
      "smmulr %[i], %[c], %[e]\n"
      "smmulr %[e], %[d], %[e]\n"
      "smmlar %[i], %[d], %[h], %[i]\n"
      "smmlsr %[e], %[c], %[h], %[e]\n"
      "ldrd   %[c], %[d], [%[v], %[v3]]\n"  // t3 = v3 turned by 3a: k, h
      "ldrd   %[h], %[j], [%[tw]], #8\n"
      "smmulr %[k], %[c], %[h]\n"
      "smmulr %[h], %[d], %[h]\n"
      "smmlar %[k], %[d], %[j], %[k]\n"
      "smmlsr %[h], %[c], %[j], %[h]\n"
      "add    %[c], %[i], %[k]\n"  // t1 + t3: c, d
      "add    %[d], %[e], %[h]\n"
      "sub    %[i], %[i], %[k]\n"  // t1 - t3: i, e
      "sub    %[e], %[e], %[h]\n"
      "sub    %[h], %[f], %[c], lsl #1\n"
      "sub    %[j], %[g], %[d], lsl #1\n"
      "add    %[f], %[f], %[c], lsl #1\n"
      "add    %[g], %[g], %[d], lsl #1\n"
      "strd   %[h], %[j], [%[v], %[v2]]\n"
      "add    %[c], %[a], %[e], lsl #1\n"
      "sub    %[d], %[b], %[i], lsl #1\n"
      "sub    %[a], %[a], %[e], lsl #1\n"
      "add    %[b], %[b], %[i], lsl #1\n"
      "strd   %[c], %[d], [%[v], %[v1]]\n"
      "strd   %[a], %[b], [%[v], %[v3]]\n"
      ".if %c[v0] == 0\n"
      "strd   %[f], %[g], [%[v]], #8\n"
      ".else\n"
      "strd   %[f], %[g], [%[v], %[v0]]\n"
      "add    %[v], %[v], #8\n"
      ".endif\n"
      : [v] "+r"(values), [tw] "+r"(twiddles), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
        [d] "=&r"(d), [e] "=&r"(e), [f] "=&r"(f), [g] "=&r"(g), [h] "=&r"(h), [i] "=&r"(i),
        [j] "=&r"(j), [k] "=&r"(k)
      : [v0] "i"(kV0), [v1] "i"(kV0 + kDistance), [v2] "i"(kV0 + 2 * kDistance),
        [v3] "i"(kV0 + 3 * kDistance)
      : "memory");
}

#else

// value * exp(-i angle) / 2.
inline ComplexInt HalfRotated(ComplexInt value, int32_t cosine, int32_t sine) {
  return {MulAddHigh(MulHigh(value.re, cosine), value.im, sine),
          MulSubHigh(MulHigh(value.im, cosine), value.re, sine)};
}

inline void Butterfly(ComplexInt*& v0, ComplexInt*& v1, ComplexInt*& v2, ComplexInt*& v3,
                      const int32_t*& twiddles) {
  const ComplexInt t2 = HalfRotated(*v1, twiddles[2], twiddles[3]);
  const ComplexInt t1 = HalfRotated(*v2, twiddles[0], twiddles[1]);
  const ComplexInt t3 = HalfRotated(*v3, twiddles[4], twiddles[5]);
  const ComplexInt a = {Add(v0->re, Twice(t2.re)), Add(v0->im, Twice(t2.im))};
  const ComplexInt b = {Sub(v0->re, Twice(t2.re)), Sub(v0->im, Twice(t2.im))};
  const ComplexInt c = {Add(t1.re, t3.re), Add(t1.im, t3.im)};
  const ComplexInt d = {Sub(t1.re, t3.re), Sub(t1.im, t3.im)};
  *v0++ = {Add(a.re, Twice(c.re)), Add(a.im, Twice(c.im))};
  *v1++ = {Add(b.re, Twice(d.im)), Sub(b.im, Twice(d.re))};
  *v2++ = {Sub(a.re, Twice(c.re)), Sub(a.im, Twice(c.im))};
  *v3++ = {Sub(b.re, Twice(d.im)), Add(b.im, Twice(d.re))};
  twiddles += 6;
}

#endif

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Bins of a real signal's spectrum out of the half-size complex FFT of its pairs of samples.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/complex_int.h"

namespace stapes {

// |2 X[k]|^2 for bin k of the real signal, below 2^63, from *low = Z[k], *high = Z[size - k]:
//   2 X[k] = (Z[k] + conj Z[size - k]) - i exp(-i a) (Z[k] - conj Z[size - k]), a = pi k / size,
// where `twiddle` has the cosine and sine of a in Q31. The pointers move on to bin k + 1.
#ifdef STAPES_USE_ARM_DSP

inline uint64_t FourfoldPower(const ComplexInt*& low, const ComplexInt*& high,
                              const int32_t*& twiddle) {
  uint64_t power;
  int32_t a, b, c, d;
  __asm__(
      "ldrd   %[a], %[b], [%[low]], #8\n"
      "ldrd   %[c], %[d], [%[high]], #-8\n"
      "add    %Q[p], %[a], %[c]\n"  // sum: Q, R; difference turned by -90 degrees: b, a
      "sub    %R[p], %[b], %[d]\n"
      "sub    %[a], %[c], %[a]\n"
      "add    %[b], %[b], %[d]\n"
      "ldr    %[c], [%[tw]], #4\n"
      "smmulr %[d], %[b], %[c]\n"
      "smmulr %[c], %[a], %[c]\n"
      "add    %Q[p], %Q[p], %[d], lsl #1\n"
      "ldr    %[d], [%[tw]], #4\n"
      "smmulr %[a], %[a], %[d]\n"
      "smmlsr %[c], %[b], %[d], %[c]\n"
      "add    %[a], %Q[p], %[a], lsl #1\n"
      "add    %[c], %R[p], %[c], lsl #1\n"
      "smull  %Q[p], %R[p], %[a], %[a]\n"
      "smlal  %Q[p], %R[p], %[c], %[c]\n"
      : [low] "+r"(low), [high] "+r"(high), [tw] "+r"(twiddle), [p] "=&r"(power), [a] "=&r"(a),
        [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
      :
      : "memory");
  return power;
}

#else

inline uint64_t FourfoldPower(const ComplexInt*& low, const ComplexInt*& high,
                              const int32_t*& twiddle) {
  const int32_t cosine = *twiddle++;
  const int32_t sine = *twiddle++;
  const int32_t u = Add(low->im, high->im);
  const int32_t v = Sub(high->re, low->re);
  const int32_t half_re = MulAddHigh(MulHigh(u, cosine), v, sine);
  const int32_t half_im = MulSubHigh(MulHigh(v, cosine), u, sine);
  const int64_t re = Add(Add(low->re, high->re), Twice(half_re));
  const int64_t im = Add(Sub(low->im, high->im), Twice(half_im));
  ++low;
  --high;
  return static_cast<uint64_t>(re * re) + static_cast<uint64_t>(im * im);
}

#endif

}  // namespace stapes

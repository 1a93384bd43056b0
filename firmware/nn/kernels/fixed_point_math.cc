// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/fixed_point_math.h"

namespace stapes {
namespace {

// exp(-2^i) for i = -2 to 4, Q0.31.
constexpr int32_t kExpOfPowers[] = {1672461947, 1302514674, 790015084, 290630308,
                                    39332535,   720401,     242};
constexpr int32_t kExpMinusOneEighth = 1895147668;  // Q0.31
constexpr int32_t kOneThird = 715827883;            // Q0.31
constexpr int32_t k48Over17 = 1515870810;           // Q2.29
constexpr int32_t kMinus32Over17 = -1010580540;     // Q2.29
constexpr int32_t kOneQ29 = 1 << 29;

// Out of line: it is called in many places, and none of them is hot.
[[gnu::noinline]] int32_t Times(int32_t a, int32_t b) { return MultiplyHighQ31(a, b); }

// 2 / (1 + a) for a in [0, 1): Q0.31 -> Q2.29.
int32_t TwoOverOnePlus(int32_t a) {
  const auto half = static_cast<int32_t>((int64_t{a} + kOneQ31 + 1) / 2);  // (1 + a) / 2, Q0.31
  int32_t x = k48Over17 + Times(half, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOneQ29 - Times(half, x);
    x = WrappingAdd(x, SaturatingShiftLeft(Times(x, error), 2));
  }
  return x;
}

}  // namespace

int32_t ExpNearZero(int32_t a) {
  const int32_t x = a + (1 << 28);
  const int32_t x2 = Times(x, x);
  const int32_t x3 = Times(x2, x);
  const int32_t x4 = Times(x2, x2);
  const int32_t cubic = Times(RoundingShiftRight(x4, 2) + x3, kOneThird);
  const int32_t series = x + RoundingShiftRight(cubic + x2, 1);
  return kExpMinusOneEighth + Times(kExpMinusOneEighth, series);
}

int32_t ExpOfNegative(int32_t a, int integer_bits) {
  if (a == 0) {
    return kOneQ31;
  }
  const int fraction_bits = 31 - integer_bits;
  const int32_t quarter = 1 << (fraction_bits - 2);
  const int32_t below = (a & (quarter - 1)) - quarter;  // in [-1/4, 0)
  int32_t result = ExpNearZero(SaturatingShiftLeft(below, integer_bits));
  const int32_t rest = WrappingSubtract(below, a);  // a multiple of 1/4
  for (int i = 0; i < integer_bits + 2; ++i) {
    if ((rest & (quarter << i)) != 0) {
      result = Times(result, kExpOfPowers[i]);
    }
  }
  return result;
}

int32_t OneOverOnePlus(int32_t a) { return SaturatingShiftLeft(TwoOverOnePlus(a), 1); }

int32_t OneMinusOverOnePlus(int32_t a) {
  return SaturatingShiftLeft(WrappingSubtract(TwoOverOnePlus(a), kOneQ29), 2);
}

}  // namespace stapes

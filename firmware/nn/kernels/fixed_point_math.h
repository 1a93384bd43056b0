// SPDX-License-Identifier: Apache-2.0
// exp and reciprocals on 32-bit fixed point, step for step as gemmlowp's fixedpoint.h computes
// them: the int8 softmax, logistic and tanh of TensorFlow Lite are defined by those steps.
#pragma once

#include <cstdint>

#include "nn/kernels/requantize.h"

namespace stapes {

constexpr int32_t kOneQ31 = INT32_MAX;  // 1, as near as Q0.31 comes

// value * 2^shift, saturating; shift 1 to 30.
inline int32_t SaturatingShiftLeft(int32_t value, int shift) {
  const int32_t threshold = static_cast<int32_t>((uint32_t{1} << (31 - shift)) - 1);
  if (value > threshold) {
    return INT32_MAX;
  }
  if (value < -threshold) {
    return INT32_MIN;
  }
  return WrappingShiftLeft(value, shift);
}

// exp(a) for a in [-1/4, 0): Q0.31 -> Q0.31. Taylor series around -1/8.
int32_t ExpNearZero(int32_t a);

// exp(a) for a <= 0: Q(integer_bits).(31 - integer_bits) -> Q0.31; integer_bits 3 to 5.
int32_t ExpOfNegative(int32_t a, int integer_bits);

// 1 / (1 + a) for a in [0, 1): Q0.31 -> Q0.31. Three steps of Newton and Raphson.
int32_t OneOverOnePlus(int32_t a);

// (1 - a) / (1 + a) for a in [0, 1): Q0.31 -> Q0.31.
int32_t OneMinusOverOnePlus(int32_t a);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Scaling of 32-bit accumulators, as gemmlowp and TensorFlow Lite's int8 kernels define it.
//
// Two roundings: first the product with a Q0.31 significand, then the shift to the right.
// Overflow wraps like two's complement, where the reference leaves it undefined.
#pragma once

#include <cstdint>

#include "nn/real.h"

namespace stapes {

constexpr int32_t Clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : (value > high ? high : value);
}

inline int32_t WrappingAdd(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

inline int32_t WrappingSubtract(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}

inline int32_t WrappingMultiply(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) * static_cast<uint32_t>(b));
}

// Shift 0 to 31.
inline int32_t WrappingShiftLeft(int32_t value, int32_t shift) {
  return static_cast<int32_t>(static_cast<uint32_t>(value) << shift);
}

// Q0.31 * Q0.31 -> Q0.31, to nearest with ties upwards; not both -1.
inline int32_t MultiplyHighQ31(int32_t a, int32_t b) {
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}

// MultiplyHighQ31 by a significand that is not negative.
inline int32_t ScaleQ31(int32_t value, int32_t significand) {
#if defined(__thumb__) && !defined(__thumb2__)
  // Cortex-M0 multiplies 32 by 32 bits to 32: four products of halves. The lowest 16 bits of their
  // sum do not matter.
  const uint32_t low = static_cast<uint16_t>(value);
  const int32_t high = value >> 16;
  const uint32_t factor_low = static_cast<uint16_t>(significand);
  const int32_t factor_high = significand >> 16;
  const uint32_t positive =
      low * static_cast<uint32_t>(factor_high) + (low * factor_low >> 16) + (1u << 14);
  const int32_t negative = high * static_cast<int32_t>(factor_low);
  const uint32_t middle = (positive & 0xffff) + (static_cast<uint32_t>(negative) & 0xffff);
  const int32_t upper =
      high * factor_high + static_cast<int32_t>(positive >> 16) + (negative >> 16);
  return WrappingShiftLeft(upper, 1) + static_cast<int32_t>(middle >> 15);
#else
  return MultiplyHighQ31(value, significand);
#endif
}

// value / 2^shift to nearest, ties away from zero; shift 0 to 31.
inline int32_t RoundingShiftRight(int32_t value, int32_t shift) {
  const int32_t mask = static_cast<int32_t>((uint32_t{1} << shift) - 1);
  const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> shift) + ((value & mask) > threshold ? 1 : 0);
}

// value * multiplier; the significand is not negative, the shift lies in -31 to 31.
inline int32_t Requantize(int32_t value, int32_t significand, int32_t shift) {
  if (shift > 0) {
    return ScaleQ31(WrappingShiftLeft(value, shift), significand);
  }
  return RoundingShiftRight(ScaleQ31(value, significand), -shift);
}

inline int32_t Requantize(int32_t value, Multiplier multiplier) {
  return Requantize(value, multiplier.value, multiplier.shift);
}

}  // namespace stapes

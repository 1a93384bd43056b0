// SPDX-License-Identifier: Apache-2.0
// Positive reals with the roundings of IEEE 754, in integer arithmetic.
//
// Quantized multipliers must come out as TensorFlow Lite computes them in float and double, on
// devices without either. A scale is a float32; products and quotients are kept to 63 bits (with a
// sticky last bit) and then rounded where the original expression rounds.
#pragma once

#include <cstdint>

namespace stapes {

// mantissa * 2^exponent; the mantissa's top bit is set.
struct Real {
  uint64_t mantissa = 0;
  int32_t exponent = 0;
};

constexpr int kFloatBits = 24;
constexpr int kDoubleBits = 53;

// Q0.31 significand in [2^30, 2^31), or 0, and the power of two that goes with it:
// multiplier = value / 2^31 * 2^shift.
struct Multiplier {
  int32_t value = 0;
  int32_t shift = 0;
};

// Bits of float32 1.
constexpr uint32_t kOneBits = 0x3f800000;

// Whether float32 bits are a scale that the engine takes: positive, from 2^-60 to 2^60, so that no
// product or quotient of two scales leaves float32's normal range.
bool IsScale(uint32_t bits);

// Bits of float32 numbers without the sign: numbers below the first lose bits or are 0; the second
// is infinity, the largest.
constexpr uint32_t kLeastNormalBits = 0x00800000;
constexpr uint32_t kInfinityBits = 0x7f800000;

// Exact; `bits` must be of a positive normal number.
Real RealFromFloat(uint32_t bits);
// Bits of the float32 that `value` is: rounded to kFloatBits, in float32's normal range.
uint32_t FloatBits(const Real& value);
Real RealFromInteger(uint32_t value);  // value above 0
Real TimesPowerOfTwo(const Real& value, int32_t exponent);
bool IsLess(const Real& a, const Real& b);

// Round to nearest, ties to even, to `bits` significant bits: kFloatBits or kDoubleBits. Factors
// have at most 32 significant bits, dividends and divisors at most 63.
Real Multiply(const Real& a, const Real& b, int bits);
Real Divide(const Real& a, const Real& b, int bits);

// Nearest integer, ties away from zero; 2^32 for anything larger.
int64_t RoundToInteger(const Real& value);

// TensorFlow Lite's QuantizeMultiplier: multipliers below 2^-32 become 0.
Multiplier QuantizeMultiplier(const Real& value);

// Larger shifts than this overflow in the reference kernels; operators refuse them.
constexpr int32_t kMaxMultiplierShift = 30;

// QuantizeMultiplier(a * b / c) of scales that have passed IsScale, product and quotient rounded to
// kDoubleBits. False if the shift is too large for kernels.
bool QuantizeRatio(uint32_t a, uint32_t b, uint32_t c, Multiplier* ratio);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/real.h"

namespace stapes {
namespace {

constexpr int32_t kFloatExponentBias = 127;
constexpr int32_t kMaxScaleExponent = 60;
constexpr uint64_t kTopBit = uint64_t{1} << 63;

Real Normalized(uint64_t mantissa, int32_t exponent) {
  while (mantissa < kTopBit) {
    mantissa <<= 1;
    --exponent;
  }
  return {mantissa, exponent};
}

Real Rounded(const Real& value, int bits) {
  const uint64_t unit = uint64_t{1} << (64 - (bits == kFloatBits ? kFloatBits : kDoubleBits));
  const uint64_t odd = (value.mantissa & unit) != 0 ? 1 : 0;
  const uint64_t raised = value.mantissa + (unit / 2 - 1 + odd);
  // A carry out of the top: the value became a power of two.
  if (raised < value.mantissa) {
    return {kTopBit, value.exponent + 1};
  }
  return {raised & (0 - unit), value.exponent};
}

// Out of line: each of its users needs both steps.
__attribute__((noinline)) Real Finished(uint64_t mantissa, int32_t exponent, int bits) {
  return Rounded(Normalized(mantissa, exponent), bits);
}

}  // namespace

bool IsScale(uint32_t bits) {
  const int32_t exponent = static_cast<int32_t>(bits >> 23) - kFloatExponentBias;  // sign included
  return exponent >= -kMaxScaleExponent && exponent <= kMaxScaleExponent;
}

Real RealFromFloat(uint32_t bits) {
  const uint64_t significand = (bits & 0x7fffff) | 0x800000;
  return {significand << 40, static_cast<int32_t>(bits >> 23) - kFloatExponentBias - 63};
}

uint32_t FloatBits(const Real& value) {
  const auto exponent = static_cast<uint32_t>(value.exponent + 63 + kFloatExponentBias);
  return exponent << 23 | (static_cast<uint32_t>(value.mantissa >> 40) & 0x7fffff);
}

Real RealFromInteger(uint32_t value) { return Normalized(value, 0); }

Real TimesPowerOfTwo(const Real& value, int32_t exponent) {
  return {value.mantissa, value.exponent + exponent};
}

bool IsLess(const Real& a, const Real& b) {
  return a.exponent != b.exponent ? a.exponent < b.exponent : a.mantissa < b.mantissa;
}

Real Multiply(const Real& a, const Real& b, int bits) {
  const uint64_t product = (a.mantissa >> 32) * (b.mantissa >> 32);
  return Finished(product, a.exponent + b.exponent + 64, bits);
}

Real Divide(const Real& a, const Real& b, int bits) {
  uint64_t remainder = a.mantissa >> 1;
  const uint64_t divisor = b.mantissa >> 1;
  uint64_t quotient = 0;
  for (int i = 0; i < 63; ++i) {
    quotient <<= 1;
    if (remainder >= divisor) {
      remainder -= divisor;
      quotient |= 1;
    }
    remainder <<= 1;
  }
  // The last bit only says that something was left over.
  quotient = (quotient << 1) | (remainder != 0 ? 1 : 0);
  return Finished(quotient, a.exponent - b.exponent - 63, bits);
}

int64_t RoundToInteger(const Real& value) {
  const int32_t integer_bits = value.exponent + 64;
  if (integer_bits > 32) {
    return int64_t{1} << 32;
  }
  if (integer_bits < 0) {
    return 0;
  }
  const int32_t dropped = 64 - integer_bits;  // 32 to 64
  const uint64_t half = (value.mantissa >> (dropped - 1)) & 1;
  const uint64_t whole = dropped == 64 ? 0 : value.mantissa >> dropped;
  return static_cast<int64_t>(whole + half);
}

Multiplier QuantizeMultiplier(const Real& value) {
  uint64_t significand = (value.mantissa >> 33) + ((value.mantissa >> 32) & 1);
  int32_t shift = value.exponent + 64;
  if (significand == uint64_t{1} << 31) {
    significand >>= 1;
    ++shift;
  }
  if (shift < -31) {
    return {};
  }
  return {static_cast<int32_t>(significand), shift};
}

bool QuantizeRatio(uint32_t a, uint32_t b, uint32_t c, Multiplier* ratio) {
  const Real product = Multiply(RealFromFloat(a), RealFromFloat(b), kDoubleBits);
  *ratio = QuantizeMultiplier(Divide(product, RealFromFloat(c), kDoubleBits));
  return ratio->shift <= kMaxMultiplierShift;
}

}  // namespace stapes

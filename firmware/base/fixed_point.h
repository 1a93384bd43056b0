// SPDX-License-Identifier: Apache-2.0
// Fixed-point primitives: one Cortex-M DSP instruction each, with the same bits elsewhere.
//
// With STAPES_CHECKED_ARITHMETIC defined every operation traps when its result does not fit.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__ARM_FEATURE_DSP) && !defined(STAPES_CHECKED_ARITHMETIC)
#define STAPES_USE_ARM_DSP 1
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define STAPES_USE_HELIUM 1  // vectors of four numbers: Cortex-M55, M85
#endif
#elif defined(__thumb__) && !defined(__thumb2__) && !defined(STAPES_CHECKED_ARITHMETIC)
#define STAPES_USE_THUMB1 1  // Cortex-M0: products of 32 bits, where compilers call a function
#elif defined(__thumb2__) && !defined(STAPES_CHECKED_ARITHMETIC)
#define STAPES_USE_THUMB2 1  // Cortex-M3: products of 64 bits in their own instruction
#endif

namespace stapes {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "samples are read in pairs");
static_assert((-1 >> 1) == -1, "right shifts of negative numbers keep the sign");

// The value as int32; in checked builds traps when it does not fit.
inline int32_t Narrow(int64_t value) {
#ifdef STAPES_CHECKED_ARITHMETIC
  if (value != static_cast<int32_t>(value)) {
    __builtin_trap();
  }
#endif
  return static_cast<int32_t>(value);
}

// a + b, which must fit. Plain addition, so that UBSan sees an overflow as well.
inline int32_t Add(int32_t a, int32_t b) {
#ifdef STAPES_CHECKED_ARITHMETIC
  return Narrow(static_cast<int64_t>(a) + b);
#else
  return a + b;
#endif
}

// a - b, which must fit.
inline int32_t Sub(int32_t a, int32_t b) {
#ifdef STAPES_CHECKED_ARITHMETIC
  return Narrow(static_cast<int64_t>(a) - b);
#else
  return a - b;
#endif
}

// 2 a, which must fit.
inline int32_t Twice(int32_t a) { return Add(a, a); }

#ifdef STAPES_USE_ARM_DSP

// The upper word of a * b, rounded: Q31 times Qn gives Q(n-1).
inline int32_t MulHigh(int32_t a, int32_t b) {
  int32_t result;
  __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
  return result;
}

// acc plus the upper word of a * b, rounded.
inline int32_t MulAddHigh(int32_t acc, int32_t a, int32_t b) {
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
  return result;
}

// The upper word of acc * 2^32 - a * b, rounded.
inline int32_t MulSubHigh(int32_t acc, int32_t a, int32_t b) {
  int32_t result;
  __asm__("smmlsr %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
  return result;
}

// acc plus the upper word of a * b, rounded down.
inline int32_t MulAddHighDown(int32_t acc, int32_t a, int32_t b) {
  int32_t result;
  __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(acc));
  return result;
}

// acc plus a times the signed lower half of `pair`, the product shifted right by 16, rounded down.
inline int32_t MulAddLowHalf(int32_t acc, int32_t a, uint32_t pair) {
  int32_t result;
  __asm__("smlawb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(pair), "r"(acc));
  return result;
}

// The same with the signed upper half of `pair`.
inline int32_t MulAddHighHalf(int32_t acc, int32_t a, uint32_t pair) {
  int32_t result;
  __asm__("smlawt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(pair), "r"(acc));
  return result;
}

// The bits of `value` in reverse order.
inline uint32_t ReverseBits(uint32_t value) {
  uint32_t result;
  __asm__("rbit %0, %1" : "=r"(result) : "r"(value));
  return result;
}

#else

#ifdef STAPES_USE_THUMB1

inline int32_t MulHigh(int32_t a, int32_t b) {
  // Four products of halves. ASRS leaves the last bit that it drops in the carry: the half that
  // rounds.
  int32_t a_low, b_low;
  uint32_t kept;
  __asm__(
      ".syntax unified\n"
      "uxth %[al], %[a]\n"
      "uxth %[bl], %[b]\n"
      "asrs %[a], %[a], #16\n"
      "asrs %[b], %[b], #16\n"
      "mov  %[kept], %[al]\n"
      "muls %[al], %[bl], %[al]\n"
      "muls %[bl], %[a], %[bl]\n"
      "muls %[a], %[b], %[a]\n"
      "lsrs %[al], %[al], #16\n"
      "adds %[bl], %[bl], %[al]\n"
      "mov  %[al], %[kept]\n"
      "muls %[b], %[al], %[b]\n"
      "asrs %[al], %[bl], #16\n"
      "adds %[a], %[a], %[al]\n"
      "uxth %[bl], %[bl]\n"
      "adds %[b], %[b], %[bl]\n"
      "asrs %[b], %[b], #16\n"
      "adcs %[a], %[b]\n"
      : [a] "+&l"(a), [b] "+&l"(b), [al] "=&l"(a_low), [bl] "=&l"(b_low), [kept] "=&h"(kept)
      :
      : "cc");
  return a;
}

// `a` above -2^31.
inline int32_t MulSubHigh(int32_t acc, int32_t a, int32_t b) { return acc + MulHigh(-a, b); }

inline int32_t MulAddLowHalf(int32_t acc, int32_t a, uint32_t pair) {
  const int32_t factor = static_cast<int16_t>(pair);
  return acc + (a >> 16) * factor + ((static_cast<uint16_t>(a) * factor) >> 16);
}

#else

inline int32_t MulHigh(int32_t a, int32_t b) {
  constexpr int64_t kHalf = int64_t{1} << 31;
  return static_cast<int32_t>((static_cast<int64_t>(a) * b + kHalf) >> 32);
}

inline int32_t MulSubHigh(int32_t acc, int32_t a, int32_t b) {
  constexpr int64_t kHalf = int64_t{1} << 31;
  return Add(acc, static_cast<int32_t>((kHalf - static_cast<int64_t>(a) * b) >> 32));
}

inline int32_t MulAddLowHalf(int32_t acc, int32_t a, uint32_t pair) {
  // With the half at the top of a word no shift is needed: the product's upper word is the term.
  const auto factor = static_cast<int32_t>(pair << 16);
  return Add(acc, static_cast<int32_t>((static_cast<int64_t>(a) * factor) >> 32));
}

#endif

inline int32_t MulAddHigh(int32_t acc, int32_t a, int32_t b) { return Add(acc, MulHigh(a, b)); }

inline int32_t MulAddHighDown(int32_t acc, int32_t a, int32_t b) {
  return Add(acc, static_cast<int32_t>((static_cast<int64_t>(a) * b) >> 32));
}

inline int32_t MulAddHighHalf(int32_t acc, int32_t a, uint32_t pair) {
  return MulAddLowHalf(acc, a, pair >> 16);
}

inline uint32_t ReverseBits(uint32_t value) {
#ifdef STAPES_USE_THUMB2
  __asm__("rbit %0, %0" : "+r"(value));
  return value;
#else
  value = ((value >> 1) & 0x55555555u) | ((value & 0x55555555u) << 1);
  value = ((value >> 2) & 0x33333333u) | ((value & 0x33333333u) << 2);
  value = ((value >> 4) & 0x0F0F0F0Fu) | ((value & 0x0F0F0F0Fu) << 4);
  return __builtin_bswap32(value);
#endif
}

#endif

// The nearest int8.
inline int32_t SaturateToInt8(int32_t value) {
#ifdef STAPES_USE_ARM_DSP
  __asm__("ssat %0, #8, %0" : "+r"(value));
  return value;
#else
  value = value < 127 ? value : 127;
  return value > -128 ? value : -128;
#endif
}

// acc + a * b, b below 2^16.
inline uint64_t MulAddShort(uint64_t acc, uint32_t a, uint32_t b) {
#ifdef STAPES_USE_THUMB1
  return acc + (static_cast<uint64_t>((a >> 16) * b) << 16) + static_cast<uint16_t>(a) * b;
#else
  return acc + static_cast<uint64_t>(a) * b;
#endif
}

// acc + a * a, a above -2^31.
inline uint64_t AddSquare(uint64_t acc, int32_t a) {
#ifdef STAPES_USE_THUMB1
  const uint32_t size = static_cast<uint32_t>(a < 0 ? -a : a);
  const uint32_t high = size >> 16;
  const uint32_t low = static_cast<uint16_t>(size);
  const uint64_t outer = (static_cast<uint64_t>(high * high) << 32) + low * low;
  return acc + outer + (static_cast<uint64_t>(high * low) << 17);
#else
  return acc + static_cast<uint64_t>(static_cast<int64_t>(a) * a);
#endif
}

// Leading zero bits of a value other than 0.
inline int LeadingZeros(uint32_t value) { return __builtin_clz(value); }

// Two neighbouring 16-bit numbers as one word, the first in the lower half; 4-byte aligned.
inline uint32_t LoadPair(const int16_t* numbers) {
  uint32_t pair;
  std::memcpy(&pair, __builtin_assume_aligned(numbers, alignof(uint32_t)), sizeof(pair));
  return pair;
}

// A 64-bit number brought to 32 significant bits: value = mantissa * 2^(32 - zeros), cut off below.
struct Normalized {
  uint32_t mantissa;  // the upper word after the shift
  int zeros;          // how far the number was shifted left
};

// Shifts `value` (other than 0) left until its top bit is set; with kEven by an even count, so
// that the top bit or the one below it is set.
template <bool kEven>
inline Normalized Normalize(uint64_t value) {
  const uint32_t high = static_cast<uint32_t>(value >> 32);
  const uint32_t low = static_cast<uint32_t>(value);
  if (high == 0) {
    const int zeros = kEven ? LeadingZeros(low) & ~1 : LeadingZeros(low);
    return {low << zeros, zeros + 32};
  }
  const int zeros = kEven ? LeadingZeros(high) & ~1 : LeadingZeros(high);
  return {(high << zeros) | ((low >> 1) >> (31 - zeros)), zeros};
}

}  // namespace stapes

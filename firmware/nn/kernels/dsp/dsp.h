// SPDX-License-Identifier: Apache-2.0
// Arm DSP instructions as functions: what the kernels for Cortex-M4, M7 and M33 are made of.
// Inline assembly, because GCC does not fold the rotation into SXTB16 and SXTAB16.
#pragma once

#include <cstdint>
#include <cstring>

namespace stapes::dsp {

// Word accesses at any alignment: one LDR or STR on these cores.
inline uint32_t LoadWord(const void* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

inline void StoreWord(void* to, uint32_t word) { std::memcpy(to, &word, sizeof(word)); }

// Bytes 0 and 2 of a word as two int16.
inline uint32_t WidenEven(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
  return pair;
}

// Bytes 1 and 3.
inline uint32_t WidenOdd(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

// The same with two int16 added.
inline uint32_t WidenEvenAdd(uint32_t word, uint32_t addend) {
  uint32_t pair;
  __asm__("sxtab16 %0, %1, %2" : "=r"(pair) : "r"(addend), "r"(word));
  return pair;
}

inline uint32_t WidenOddAdd(uint32_t word, uint32_t addend) {
  uint32_t pair;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(addend), "r"(word));
  return pair;
}

// The lower halves of both words: that of `low` becomes the lower half.
inline uint32_t PackLow(uint32_t low, uint32_t high) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
}

// The upper halves of both words: that of `low` becomes the lower half.
inline uint32_t PackHigh(uint32_t high, uint32_t low) {
  uint32_t pair;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(high), "r"(low));
  return pair;
}

inline uint32_t BothHalves(int32_t value) {
  const uint32_t half = static_cast<uint16_t>(value);
  return half << 16 | half;
}

// sum + low * low + high * high, wrapping.
inline int32_t MultiplyPairs(uint32_t a, uint32_t b, int32_t sum) {
  int32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

}  // namespace stapes::dsp

// Dot products for Arm cores with the DSP extension (Cortex-M4, M7, M33): SXTB16 widens two bytes,
// SMLAD does two multiplications. Included by dot.h only.
//
// SXTB16 takes bytes 0 and 2, or 1 and 3, of a word. Widened values are therefore kept in the order
// 0 2 1 3 within each group of four; a tail of fewer than four keeps its natural order.
#pragma once

#include <arm_acle.h>

#include <cstdint>
#include <cstring>

namespace stapes {

// Word loads at any alignment: one LDR on these cores.
inline uint32_t LoadWord(const void* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

inline void StoreWord(void* to, uint32_t word) { std::memcpy(to, &word, sizeof(word)); }

inline uint32_t WidenEven(uint32_t word) {
  return static_cast<uint32_t>(__sxtb16(static_cast<int8x4_t>(word)));
}

inline uint32_t WidenOdd(uint32_t word) {
  return static_cast<uint32_t>(__sxtb16(static_cast<int8x4_t>(word >> 8 | word << 24)));
}

inline int32_t MultiplyPairs(uint32_t a, uint32_t b, int32_t sum) {
  return __smlad(static_cast<int16x2_t>(a), static_cast<int16x2_t>(b), sum);
}

inline void WidenS8(const int8_t* values, int32_t count, int32_t offset, int16_t* wide) {
  const uint32_t half = static_cast<uint16_t>(offset);
  const int16x2_t offsets = static_cast<int16x2_t>(half << 16 | half);
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t word = LoadWord(values + i);
    const int16x2_t even = __sadd16(static_cast<int16x2_t>(WidenEven(word)), offsets);
    const int16x2_t odd = __sadd16(static_cast<int16x2_t>(WidenOdd(word)), offsets);
    StoreWord(wide + i, static_cast<uint32_t>(even));
    StoreWord(wide + i + 2, static_cast<uint32_t>(odd));
  }
  for (; i < count; ++i) wide[i] = static_cast<int16_t>(values[i] + offset);
}

inline int32_t DotWideS8(const int16_t* wide, const int8_t* weights, int32_t count) {
  int32_t sum = 0;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t word = LoadWord(weights + i);
    sum = MultiplyPairs(LoadWord(wide + i), WidenEven(word), sum);
    sum = MultiplyPairs(LoadWord(wide + i + 2), WidenOdd(word), sum);
  }
  uint32_t tail = static_cast<uint32_t>(sum);
  for (; i < count; ++i) tail += static_cast<uint32_t>(wide[i] * weights[i]);
  return static_cast<int32_t>(tail);
}

inline void DotWideS8x4(const int16_t* wide, const int8_t* weights, int32_t stride, int32_t count,
                        int32_t sums[4]) {
  const int8_t* rows[4] = {weights, weights + stride, weights + 2 * stride, weights + 3 * stride};
  int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const uint32_t even = LoadWord(wide + i);
    const uint32_t odd = LoadWord(wide + i + 2);
    const uint32_t word0 = LoadWord(rows[0] + i);
    const uint32_t word1 = LoadWord(rows[1] + i);
    sum0 = MultiplyPairs(odd, WidenOdd(word0), MultiplyPairs(even, WidenEven(word0), sum0));
    sum1 = MultiplyPairs(odd, WidenOdd(word1), MultiplyPairs(even, WidenEven(word1), sum1));
    const uint32_t word2 = LoadWord(rows[2] + i);
    const uint32_t word3 = LoadWord(rows[3] + i);
    sum2 = MultiplyPairs(odd, WidenOdd(word2), MultiplyPairs(even, WidenEven(word2), sum2));
    sum3 = MultiplyPairs(odd, WidenOdd(word3), MultiplyPairs(even, WidenEven(word3), sum3));
  }
  const int32_t totals[4] = {sum0, sum1, sum2, sum3};
  for (int row = 0; row < 4; ++row) {
    const int32_t tail = DotWideS8(wide + i, rows[row] + i, count - i);
    sums[row] = static_cast<int32_t>(static_cast<uint32_t>(totals[row]) +
                                     static_cast<uint32_t>(tail));
  }
}

inline int32_t DotS16(const int16_t* a, const int16_t* b, int32_t count) {
  int32_t sum = 0;
  int32_t i = 0;
  for (; i + 2 <= count; i += 2) sum = MultiplyPairs(LoadWord(a + i), LoadWord(b + i), sum);
  if (i == count) return sum;
  return static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(a[i] * b[i]));
}

}  // namespace stapes

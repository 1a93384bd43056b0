// SPDX-License-Identifier: Apache-2.0
#include "frontend/dct.h"

#include "base/fixed_point.h"

namespace stapes {
namespace {

// Folds in place: logs[j] + logs[C-1-j] in the lower half, their differences in the upper half,
// where logs[C-1-j] was. Even coefficients need the sums only, odd ones the differences.
void Fold(int32_t* logs, uint32_t channels) {
  int32_t* high = logs + channels;
  for (int32_t* low = logs; low < --high; ++low) {
    const int32_t sum = Add(*low, *high);
    *high = Sub(*low, *high);
    *low = sum;
  }
}

// sum + the products of four numbers (Q16) and four factors (Qn), each in Qn and rounded down. The
// pointers move on.
#ifdef STAPES_USE_ARM_DSP

inline int32_t MulAddFour(int32_t sum, const int32_t*& numbers, const int16_t*& factors) {
  int32_t a, b, c, d;
  __asm__(
      "ldrd   %[a], %[b], [%[factors]], #8\n"
      "ldrd   %[c], %[d], [%[numbers]], #8\n"
      "smlawb %[sum], %[c], %[a], %[sum]\n"
      "smlawt %[sum], %[d], %[a], %[sum]\n"
      "ldrd   %[c], %[d], [%[numbers]], #8\n"
      "smlawb %[sum], %[c], %[b], %[sum]\n"
      "smlawt %[sum], %[d], %[b], %[sum]\n"
      : [sum] "+r"(sum), [numbers] "+r"(numbers), [factors] "+r"(factors), [a] "=&r"(a),
        [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d)
      :
      : "memory");
  return sum;
}

#else

inline int32_t MulAddFour(int32_t sum, const int32_t*& numbers, const int16_t*& factors) {
  for (int i = 0; i < 4; ++i) {
    sum = MulAddLowHalf(sum, *numbers++, static_cast<uint16_t>(*factors++));
  }
  return sum;
}

#endif

inline int32_t Row(const int32_t* folded, const int16_t* cosines, uint32_t length) {
  int32_t sum = 0;
  for (const int16_t* end = cosines + length; cosines != end;) {
    sum = MulAddFour(sum, folded, cosines);
  }
  return sum;
}

}  // namespace

void Dct(const FrontEndTables& tables, int32_t* logs, int32_t* features) {
  const uint32_t channels = tables.channel_count;
  Fold(logs, channels);
  const int32_t* differences = logs + (channels + 1) / 2;
  const int16_t* cosines = tables.dct;
  for (uint32_t i = 0; i < tables.coefficient_count; ++i) {
    features[i] = Row(i % 2 == 0 ? logs : differences, cosines, DctRowLength(channels));
    cosines += DctRowLength(channels);
  }
}

}  // namespace stapes

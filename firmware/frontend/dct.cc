#include "frontend/dct.h"

#include "base/fixed_point.h"

namespace stapes {
namespace {

// Folds in place: logs[j] + logs[C-1-j] in the lower half, their differences in the upper half, where
// logs[C-1-j] was. Even coefficients need the sums only, odd ones the differences.
void Fold(int32_t* logs, uint32_t channels) {
  int32_t* high = logs + channels;
  for (int32_t* low = logs; low < --high; ++low) {
    const int32_t sum = Add(*low, *high);
    *high = Sub(*low, *high);
    *low = sum;
  }
}

// Q16 times Q(n): Q(n) after the products' 16 lower bits are gone.
inline int32_t Row(const int32_t* folded, const int16_t* cosines, uint32_t length) {
  int32_t sum = 0;
  for (const int16_t* end = cosines + length; cosines != end; cosines += 2, folded += 2) {
    const uint32_t pair = LoadPair(cosines);
    sum = MulAddLowHalf(sum, folded[0], pair);
    sum = MulAddHighHalf(sum, folded[1], pair);
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

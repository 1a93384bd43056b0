// SPDX-License-Identifier: Apache-2.0
#include "frontend/logarithm.h"

#include "base/fixed_point.h"
#include "frontend/interpolation.h"

namespace stapes {
namespace {

constexpr uint32_t kFirst = 128;  // normalised numbers start with a one
constexpr int kEntries = 129;
constexpr int32_t kLn2Q31 = 1488522236;

// log2(i / 128) in Q16 by repeated squaring: each one gives a bit of the logarithm.
constexpr uint32_t ExactLog2(uint64_t i) {
  uint64_t x = i << 24;  // Q31, 1 <= x < 2
  uint32_t log = 0;
  for (int bit = 0; bit < 17; ++bit) {
    x = (x * x) >> 31;
    log <<= 1;
    if (x >> 32 != 0) {
      x >>= 1;
      log |= 1;
    }
  }
  return (log + 1) >> 1;
}

// The last, which is 1, one unit short so that it fits.
constexpr Table16<kEntries> MakeTable() {
  Table16<kEntries> table = {};
  for (uint64_t i = 0; i + 1 < kEntries; ++i) {
    table.values[i] = static_cast<uint16_t>(ExactLog2(i + kFirst));
  }
  table.values[kEntries - 1] = 0xFFFF;
  return table;
}

constexpr Table16<kEntries> kTable = MakeTable();
static_assert(kTable.values[64] == 38336, "log2(1.5) = 0.58496");

}  // namespace

int32_t BinaryLog(uint64_t value, int scale_bits) {
  const Normalized normal = Normalize<false>(value);
  const uint32_t fraction = Interpolate<kFirst>(kTable.values, normal.mantissa) >> 15;  // Q17
  const int32_t exponent = 63 - normal.zeros - scale_bits;
  return exponent * (1 << 17) + static_cast<int32_t>(fraction);
}

int32_t NaturalLog(uint64_t value, int scale_bits) {
  return MulHigh(BinaryLog(value, scale_bits), kLn2Q31);
}

}  // namespace stapes

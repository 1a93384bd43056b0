// SPDX-License-Identifier: Apache-2.0
#include "frontend/logarithm.h"

#include <type_traits>

namespace stapes {
namespace {

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

using Table = decltype(kLogTable);

// The last, which is 1, one unit short so that it fits.
constexpr std::remove_const_t<Table> MakeTable() {
  std::remove_const_t<Table> table = {};
  uint64_t i = kLogFirst;
  for (uint16_t& entry : table.values) {
    entry = static_cast<uint16_t>(i < 256 ? ExactLog2(i) : 0xFFFF);
    ++i;
  }
  return table;
}

static_assert(MakeTable().values[64] == 38336, "log2(1.5) = 0.58496");

}  // namespace

constexpr Table kLogTable = MakeTable();

}  // namespace stapes

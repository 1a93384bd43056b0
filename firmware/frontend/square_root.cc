// SPDX-License-Identifier: Apache-2.0
#include "frontend/square_root.h"

#include <type_traits>

namespace stapes {
namespace {

// Largest root with root^2 <= value.
constexpr uint64_t ExactRoot(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) {
      root += bit;
    }
  }
  return root;
}

using Table = decltype(kSquareRootTable);

// The last entry, which is 1, is one unit short so that it fits.
constexpr std::remove_const_t<Table> MakeTable() {
  std::remove_const_t<Table> table = {};
  uint64_t i = kSquareRootFirst;
  for (uint16_t& entry : table.values) {
    const uint64_t root = (ExactRoot(i++ << 34) + 16) >> 5;  // Q16 from Q21
    entry = static_cast<uint16_t>(root > 0xFFFF ? 0xFFFF : root);
  }
  return table;
}

static_assert(MakeTable().values[0] == 0x8000, "sqrt(1/4) = 1/2");

}  // namespace

constexpr Table kSquareRootTable = MakeTable();

}  // namespace stapes

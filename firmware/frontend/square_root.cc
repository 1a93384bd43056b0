#include "frontend/square_root.h"

#include "base/fixed_point.h"
#include "frontend/interpolation.h"

namespace stapes {
namespace {

// Normalised numbers start with 01 or 1: 64/256 to 256/256.
constexpr int kFirst = 64;
constexpr int kEntries = 256 - kFirst + 1;

// Largest root with root^2 <= value.
constexpr uint64_t ExactRoot(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) root += bit;
  }
  return root;
}

// sqrt(i / 256) in Q16; the last, which is 1, one unit short so that it fits.
constexpr Table16<kEntries> MakeTable() {
  Table16<kEntries> table = {};
  for (uint64_t i = 0; i < kEntries; ++i) {
    const uint64_t root = (ExactRoot((i + kFirst) << 34) + 16) >> 5;  // Q16 from Q21
    table.values[i] = static_cast<uint16_t>(root > 0xFFFF ? 0xFFFF : root);
  }
  return table;
}

constexpr Table16<kEntries> kTable = MakeTable();
static_assert(kTable.values[0] == 0x8000, "sqrt(1/4) = 1/2");

}  // namespace

uint32_t SquareRoot(uint64_t value) {
  if (value == 0) return 0;
  const Normalized normal = Normalize<true>(value);
  // sqrt(mantissa 2^(32 - zeros)) = sqrt(mantissa / 2^32) 2^(32 - zeros / 2).
  return Interpolate<kFirst>(kTable.values, normal.mantissa) >> (normal.zeros / 2);
}

}  // namespace stapes

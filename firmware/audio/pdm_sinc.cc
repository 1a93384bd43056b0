#include "audio/pdm_sinc.h"

#include <cstddef>

namespace stapes {
namespace {

constexpr int kTaps = PdmSinc::kOrder * (PdmSinc::kFactor - 1) + 1;
constexpr std::size_t kNibbles = 20;
static_assert(kTaps <= 4 * kNibbles);

// What each value of each four bits adds to the output.
struct Tables {
  int32_t sum[kNibbles][16] = {};
};

struct Taps {
  int32_t tap[4 * kNibbles] = {};
};

constexpr Taps MakeTaps() {
  Taps taps;
  taps.tap[0] = 1;
  for (int order = 0; order < PdmSinc::kOrder; ++order) {
    Taps longer;
    for (int i = 0; i < kTaps; ++i) {
      for (int j = 0; j < PdmSinc::kFactor && j <= i; ++j) {
        longer.tap[i] += taps.tap[i - j];
      }
    }
    taps = longer;
  }
  return taps;
}

// Tap 0 belongs to the newest bit, which is the least significant of the newest nibble.
constexpr Tables MakeTables() {
  const Taps taps = MakeTaps();
  Tables tables;
  for (std::size_t nibble = 0; nibble < kNibbles; ++nibble) {
    for (std::size_t value = 0; value < 16; ++value) {
      for (std::size_t bit = 0; bit < 4; ++bit) {
        const int32_t tap = taps.tap[4 * nibble + bit];
        tables.sum[nibble][value] += (value >> bit & 1) != 0 ? tap : -tap;
      }
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

constexpr int32_t AllOnes() {
  int32_t sum = 0;
  for (const auto& table : kTables.sum) {
    sum += table[15];
  }
  return sum;
}
static_assert(AllOnes() == PdmSinc::kFullScale);

}  // namespace

int32_t PdmSinc::Process(uint16_t bits) {
  for (std::size_t i = kWords - 1; i > 0; --i) {
    history_[i] = history_[i - 1];
  }
  history_[0] = bits;
  int32_t sum = 0;
  const auto* table = kTables.sum;
  for (const uint32_t word : history_) {
    sum += table[0][word & 15] + table[1][word >> 4 & 15] + table[2][word >> 8 & 15] +
           table[3][word >> 12];
    table += 4;
  }
  return sum;
}

void PdmSinc::Reset() { *this = PdmSinc(); }

}  // namespace stapes

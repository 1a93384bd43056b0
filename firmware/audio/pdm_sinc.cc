// SPDX-License-Identifier: Apache-2.0
#include "audio/pdm_sinc.h"

namespace stapes {
namespace {

constexpr int kTaps = PdmSinc::kOrder * (PdmSinc::kFactor - 1) + 1;
constexpr int kSpan = PdmSinc::kOrder * PdmSinc::kFactor;
static_assert(kTaps <= kSpan, "16 bits reach this output and the four after it");

struct Taps {
  int32_t tap[kSpan] = {};
};

// What four bits add to this output and those after it.
struct Row {
  int32_t sum[PdmSinc::kOrder] = {};
};

struct Tables {
  Row row[4][16] = {};  // of the four bits' place, the least significant first, and their value
};

// Tap 0 belongs to the newest bit.
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

constexpr Row MakeRow(const Taps& taps, int place, int value) {
  Row row;
  for (int age = 0; age < PdmSinc::kOrder; ++age) {
    for (int bit = 0; bit < 4; ++bit) {
      const int32_t tap = taps.tap[PdmSinc::kFactor * age + 4 * place + bit];
      row.sum[age] += (value >> bit & 1) != 0 ? tap : -tap;
    }
  }
  return row;
}

constexpr Tables MakeTables() {
  const Taps taps = MakeTaps();
  Tables tables;
  for (int place = 0; place < 4; ++place) {
    for (int value = 0; value < 16; ++value) {
      tables.row[place][value] = MakeRow(taps, place, value);
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

constexpr int32_t AllOnes() {
  int32_t sum = 0;
  for (const auto& rows : kTables.row) {
    for (const int32_t part : rows[15].sum) {
      sum += part;
    }
  }
  return sum;
}
static_assert(AllOnes() == PdmSinc::kFullScale);

}  // namespace

int32_t PdmSinc::Process(uint16_t bits) {
  const uint32_t word = bits;
  const int32_t* a = kTables.row[0][word & 15].sum;
  const int32_t* b = kTables.row[1][word >> 4 & 15].sum;
  const int32_t* c = kTables.row[2][word >> 8 & 15].sum;
  const int32_t* d = kTables.row[3][word >> 12].sum;
  const int32_t output = pending_[0] + a[0] + b[0] + c[0] + d[0];
  pending_[0] = pending_[1] + a[1] + b[1] + c[1] + d[1];
  pending_[1] = pending_[2] + a[2] + b[2] + c[2] + d[2];
  pending_[2] = pending_[3] + a[3] + b[3] + c[3] + d[3];
  pending_[3] = a[4] + b[4] + c[4] + d[4];
  return output;
}

}  // namespace stapes

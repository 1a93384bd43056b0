// SPDX-License-Identifier: Apache-2.0
// What the board hears, back to the host: lines of samples, no more of them than were asked for.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "link/line_writer.h"

namespace stapes {

class AudioTap {
 public:
  static constexpr uint32_t kUnlimited = UINT32_MAX;

  explicit AudioTap(LineWriter& lines) : lines_(lines) {}

  // From now on about `bytes_per_second` characters a second at most; 0: none.
  void Allow(uint32_t bytes_per_second, uint32_t now_ms);

  // The board heard `samples`; the first one has the number `first` since the last reset. What
  // exceeds the limit is left out; the numbers of the lines show the gap.
  void Hear(uint64_t first, Span<const int16_t> samples, uint32_t now_ms);

 private:
  static constexpr std::size_t kLineSamples = 128;
  static constexpr uint32_t kLineBytes = 384;    // with everything around the samples
  static constexpr uint32_t kBurstBytes = 4096;  // that may follow after a pause

  bool Spend(uint32_t now_ms);

  LineWriter& lines_;
  uint32_t rate_ = 0;
  uint32_t budget_ = 0;   // bytes
  uint32_t paid_ms_ = 0;  // when the budget last grew
};

}  // namespace stapes

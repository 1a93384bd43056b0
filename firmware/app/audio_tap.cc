// SPDX-License-Identifier: Apache-2.0
#include "app/audio_tap.h"

namespace stapes {

void AudioTap::Allow(uint32_t bytes_per_second, uint32_t now_ms) {
  rate_ = bytes_per_second;
  budget_ = kLineBytes;
  paid_ms_ = now_ms;
}

void AudioTap::Hear(uint64_t first, Span<const int16_t> samples, uint32_t now_ms) {
  while (rate_ != 0 && !samples.empty()) {
    const std::size_t count = samples.size() < kLineSamples ? samples.size() : kLineSamples;
    if (Spend(now_ms)) {
      lines_.Begin("audio");
      lines_.FieldLong("sample", first);
      lines_.FieldBase64("pcm", {reinterpret_cast<const uint8_t*>(samples.data()), 2 * count});
      lines_.End();
    }
    first += count;
    samples = samples.Skip(count);
  }
}

// Takes a line's bytes from the budget, which grows with time; false when it is too small.
bool AudioTap::Spend(uint32_t now_ms) {
  if (rate_ == kUnlimited) {
    return true;
  }
  const uint32_t elapsed_ms = now_ms - paid_ms_;
  const uint64_t earned = uint64_t{rate_} * elapsed_ms >> 10;  // 1024 ms to a second: a little less
  if (earned != 0) {
    budget_ =
        earned > kBurstBytes - budget_ ? kBurstBytes : budget_ + static_cast<uint32_t>(earned);
    paid_ms_ = now_ms;
  }
  if (budget_ < kLineBytes) {
    return false;
  }
  budget_ -= kLineBytes;
  return true;
}

}  // namespace stapes

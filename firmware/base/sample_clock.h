// SPDX-License-Identifier: Apache-2.0
// The time of audio: milliseconds from a count of samples.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {

class SampleClock {
 public:
  // In one call, so that 32 bits are enough.
  static constexpr uint32_t kMostSamples = 4'000'000;

  // `sample_rate`: hertz, 1 or more. The clock starts at 0.
  explicit SampleClock(uint32_t sample_rate = 1) : sample_rate_(sample_rate) {}

  // At most kMostSamples in one call.
  void Count(std::size_t samples) {
    samples_ += samples;
    const uint32_t scaled = remainder_ + static_cast<uint32_t>(samples) * 1000;
    milliseconds_ += scaled / sample_rate_;
    remainder_ = scaled % sample_rate_;
  }

  uint64_t samples() const { return samples_; }
  // samples() * 1000 / sample_rate, modulo 2^32.
  uint32_t milliseconds() const { return milliseconds_; }
  // What milliseconds() was `samples` samples ago, at most kMostSamples.
  uint32_t MillisecondsBefore(uint32_t samples) const {
    const uint32_t scaled = samples * 1000;
    const uint32_t behind = scaled > remainder_ ? scaled - remainder_ : 0;
    return milliseconds_ - (behind + sample_rate_ - 1) / sample_rate_;
  }

 private:
  uint32_t sample_rate_;
  uint64_t samples_ = 0;
  uint32_t milliseconds_ = 0;
  uint32_t remainder_ = 0;  // samples() * 1000 % sample_rate
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "app/silence_gate.h"

#include <cstring>

#include "frontend/logarithm.h"

namespace stapes {
namespace {

constexpr uint32_t kBlock = 8;
constexpr uint32_t kOneQ16 = 65536;
constexpr uint32_t kHighestLevelQ16 = 32 * kOneQ16;

constexpr uint32_t Magnitude(int32_t value) {
  return static_cast<uint32_t>(value < 0 ? -value : value);
}

// Haar wavelets: sums and differences of neighbours, then the same of these sums, and so on. The
// magnitudes of the first differences measure the upper half of the band, those of the next ones
// the half below, and so on; the sums that are left measure the lowest octaves together. At most
// 2^27 for 4096 samples.
void AddBlock(const int16_t* x, uint32_t* sums) {
  const int32_t a = x[0] + x[1], b = x[2] + x[3], c = x[4] + x[5], d = x[6] + x[7];
  sums[0] += Magnitude(x[0] - x[1]) + Magnitude(x[2] - x[3]) + Magnitude(x[4] - x[5]) +
             Magnitude(x[6] - x[7]);
  sums[1] += Magnitude(a - b) + Magnitude(c - d);
  sums[2] += Magnitude(a + b - c - d);
  sums[3] += Magnitude(a + b + c + d);
}

// log2 of the sum, Q16, at least `least_q16`.
int32_t Level(uint32_t sum, uint32_t least_q16) {
  const auto least = static_cast<int32_t>(least_q16);
  const int32_t level = sum == 0 ? 0 : BinaryLog(sum, 0) >> 1;
  return level > least ? level : least;
}

}  // namespace

bool IsFit(const GateConfig& config, uint32_t window_samples, uint32_t stride_frames) {
  // The gate must not close before the network has seen all that it must see: each input of the
  // hold time takes one run for itself, and its other runs make up for missed inputs.
  const uint32_t made_up = config.hold_frames / stride_frames * (config.runs_at_once - 1u);
  return config.frame_samples >= kBlock && config.frame_samples % kBlock == 0 &&
         config.frame_samples <= window_samples && config.onset_frames >= 1 &&
         config.hold_frames >= 1 && config.runs_at_once >= 2 &&
         made_up >= config.replay_inferences && config.rise_q16 <= kOneQ16 &&
         config.fall_q16 <= kOneQ16 && config.threshold_q16 <= kHighestLevelQ16 &&
         config.least_q16 <= kHighestLevelQ16;
}

bool SilenceGate::Hear(Span<const int16_t> window) {
  const bool is_loud = IsLoud(window.Skip(window.size() - config_.frame_samples));
  if (is_loud) {
    onset_ += onset_ < config_.onset_frames;
  } else {
    onset_ -= onset_ > 0;
  }
  const bool is_onset = onset_ == config_.onset_frames || config_.threshold_q16 == 0;
  if ((hold_ > 0 && is_loud) || is_onset) {
    hold_ = config_.hold_frames;
    return true;
  }
  if (hold_ == 0) {
    return false;
  }
  --hold_;
  return true;
}

// Compares with the floors, then moves them.
bool SilenceGate::IsLoud(Span<const int16_t> samples) {
  uint32_t sums[kOctaves] = {};
  for (std::size_t i = 0; i < samples.size(); i += kBlock) {
    AddBlock(samples.data() + i, sums);
  }
  bool is_loud = false;
  for (uint32_t octave = 0; octave < kOctaves; ++octave) {
    const int32_t level = Level(sums[octave], config_.least_q16);
    int32_t& floor = floors_q16_[octave];
    if (!has_floors_) {
      floor = level;
    }
    const int32_t above = level - floor;
    is_loud = is_loud || above > static_cast<int32_t>(config_.threshold_q16);
    const uint32_t rate = above > 0 ? config_.rise_q16 : config_.fall_q16;
    floor += static_cast<int32_t>((int64_t{above} * rate) >> 16);
  }
  has_floors_ = true;
  return is_loud;
}

Span<int8_t> SilenceGate::Next() {
  const std::size_t needed = GateRingBytes(config_.replay_inferences, input_size_);
  const bool has_place = needed != 0 && ring_.size() >= needed;
  return {ring_.data() + next_ * input_size_, has_place ? input_size_ : 0u};
}

void SilenceGate::Take(bool is_open) {
  next_ = next_ == config_.replay_inferences ? 0 : next_ + 1;
  if (!is_open) {
    missed_ += missed_ < config_.replay_inferences;
    return;
  }
  warm_up_ += missed_;
  owed_ += missed_ + 1;
  missed_ = 0;
}

bool SilenceGate::Pop(Span<int8_t> input, bool* is_scored) {
  if (owed_ == 0) {
    return false;
  }
  const uint32_t oldest =
      next_ >= owed_ ? next_ - owed_ : next_ + config_.replay_inferences + 1 - owed_;
  std::memcpy(input.data(), ring_.data() + oldest * input_size_, input_size_);
  *is_scored = warm_up_ == 0;
  warm_up_ -= warm_up_ > 0;
  --owed_;
  return true;
}

void SilenceGate::Reset() {
  has_floors_ = false;
  onset_ = 0;
  hold_ = config_.hold_frames;
  next_ = missed_ = owed_ = warm_up_ = 0;
}

void SilenceGate::Configure(const GateConfig& config, std::size_t input_size) {
  config_ = config;
  input_size_ = input_size;
  Reset();
}

bool SilenceGate::SetThreshold(uint32_t threshold_q16) {
  if (threshold_q16 > kHighestLevelQ16) {
    return false;
  }
  config_.threshold_q16 = threshold_q16;
  return true;
}

}  // namespace stapes

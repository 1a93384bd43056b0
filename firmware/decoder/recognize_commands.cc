// SPDX-License-Identifier: Apache-2.0
#include "decoder/recognize_commands.h"

namespace stapes {
namespace {

// Scores have zero point -128: q + 128 counts 1/256ths.
constexpr uint32_t Unsigned(int8_t q) { return static_cast<uint32_t>(q + 128); }

constexpr int32_t Signed(uint32_t value) { return static_cast<int32_t>(value); }

bool Fits(const DecoderConfig& config) {
  for (uint16_t label = 0; config.thresholds_q16 && label < config.label_count; ++label) {
    if (config.thresholds_q16[label] > kScoreOneQ16) {
      return false;
    }
  }
  return config.label_count > 0 && config.frame_capacity > 0 &&
         config.silence_label < static_cast<int32_t>(config.label_count) &&
         config.threshold_q16 <= kScoreOneQ16 && config.hysteresis_q16 <= kScoreOneQ16 &&
         config.average_window_ms < (1u << 28) && config.suppression_ms < (1u << 28);
}

}  // namespace

bool RecognizeCommands::Init(const DecoderConfig& config, Span<uint8_t> work) {
  const std::size_t needed = DecoderWorkBytes(config.label_count, config.frame_capacity);
  const bool aligned = reinterpret_cast<uintptr_t>(work.data()) % alignof(uint32_t) == 0;
  if (!Fits(config) || work.size() < needed || !aligned) {
    return false;
  }
  times_ = reinterpret_cast<uint32_t*>(work.data());
  sums_ = times_ + config.frame_capacity;
  thresholds_ = sums_ + config.label_count;
  scores_ = reinterpret_cast<int8_t*>(thresholds_ + config.label_count);
  held_ =
      reinterpret_cast<uint8_t*>(scores_ + std::size_t{config.frame_capacity} * config.label_count);
  longest_window_ms_ = config.average_window_ms;
  dropped_ = 0;
  Adopt(config);
  Reset();
  return true;
}

bool RecognizeCommands::Reconfigure(const DecoderConfig& config) {
  if (!Fits(config) || config.label_count != config_.label_count ||
      config.silence_label != config_.silence_label ||
      config.frame_capacity != config_.frame_capacity ||
      config.average_window_ms > longest_window_ms_) {
    return false;
  }
  Adopt(config);
  return true;
}

bool RecognizeCommands::SetThreshold(uint16_t label, uint32_t threshold_q16) {
  if (label >= config_.label_count || threshold_q16 > kScoreOneQ16) {
    return false;
  }
  thresholds_[label] = threshold_q16;
  return true;
}

// `config` may be config_ itself, and its thresholds our own.
void RecognizeCommands::Adopt(const DecoderConfig& config) {
  for (uint16_t label = 0; label < config.label_count; ++label) {
    thresholds_[label] =
        config.thresholds_q16 ? config.thresholds_q16[label] : config.threshold_q16;
  }
  config_ = config;
  config_.thresholds_q16 = thresholds_;
}

void RecognizeCommands::Reset() {
  head_ = 0;
  count_ = 0;
  heard_ = 0;
  previous_label_ = config_.silence_label;
  suppressing_ = false;
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    sums_[label] = 0;
    held_[label] = 0;
  }
}

DecodeStatus RecognizeCommands::Process(Span<const int8_t> scores, uint32_t time_ms,
                                        Detection* result) {
  if (scores.size() != config_.label_count) {
    return DecodeStatus::kWrongCount;
  }
  if (!IsInOrder(time_ms)) {
    return DecodeStatus::kTimeBackwards;
  }
  while (count_ > 0 && OldestAge(time_ms) > Signed(config_.average_window_ms)) {
    PopOldest();
  }
  Push(scores, time_ms);
  ForgetSuppression(time_ms);
  if (!IsReady(time_ms)) {
    *result = {previous_label_, 0, time_ms, false};
    return DecodeStatus::kOk;
  }
  ReleaseLabels();
  const uint16_t top = TopLabel();
  *result = {top, AverageQ16(top), time_ms, IsNew(top, time_ms)};
  return DecodeStatus::kOk;
}

uint32_t RecognizeCommands::AverageQ16(uint16_t label) const {
  if (count_ == 0 || label >= config_.label_count) {
    return 0;
  }
  return (sums_[label] * 256u + count_ / 2u) / count_;
}

bool RecognizeCommands::IsInOrder(uint32_t time_ms) const {
  const uint32_t earliest = config_.tutorial_times ? times_[head_] : newest_time_;
  return count_ == 0 || Signed(time_ms - earliest) >= 0;
}

void RecognizeCommands::Push(Span<const int8_t> scores, uint32_t time_ms) {
  if (count_ == config_.frame_capacity) {
    PopOldest();
    ++dropped_;
  }
  const uint32_t slot = (static_cast<uint32_t>(head_) + count_) % config_.frame_capacity;
  int8_t* kept = scores_ + slot * config_.label_count;
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    kept[label] = scores[label];
    sums_[label] += Unsigned(scores[label]);
  }
  times_[slot] = time_ms;
  newest_time_ = time_ms;
  ++count_;
  if (heard_ < config_.minimum_count) {
    ++heard_;
  }
}

void RecognizeCommands::PopOldest() {
  const int8_t* oldest = scores_ + static_cast<std::size_t>(head_) * config_.label_count;
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    sums_[label] -= Unsigned(oldest[label]);
  }
  head_ = static_cast<uint16_t>((head_ + 1u) % config_.frame_capacity);
  --count_;
}

// Enough scores for an average to mean something.
bool RecognizeCommands::IsReady(uint32_t now_ms) const {
  if (config_.mode == DecoderMode::kStreaming) {
    return heard_ >= config_.minimum_count;
  }
  return count_ >= config_.minimum_count &&
         OldestAge(now_ms) >= Signed(config_.average_window_ms / 4);
}

uint16_t RecognizeCommands::TopLabel() const {
  uint16_t top = 0;
  for (uint16_t label = 1; label < config_.label_count; ++label) {
    if (sums_[label] > sums_[top]) {
      top = label;
    }
  }
  return top;
}

// sum / (256 count) > threshold / 65536, without the division.
bool RecognizeCommands::IsAbove(uint16_t label, uint32_t threshold_q16) const {
  return sums_[label] * 256u > threshold_q16 * count_;
}

// Labels whose average has fallen far enough may be detected again.
void RecognizeCommands::ReleaseLabels() {
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    const uint32_t threshold = thresholds_[label];
    const uint32_t fall = config_.hysteresis_q16 < threshold ? config_.hysteresis_q16 : threshold;
    if (held_[label] != 0 && !IsAbove(label, threshold - fall)) {
      held_[label] = 0;
    }
  }
}

// Forgets a suppression that can no longer matter, so that all stays right when the clock wraps
// after 49 days. With `tutorial_times` the next time may be a window before this one.
void RecognizeCommands::ForgetSuppression(uint32_t now_ms) {
  if (PreviousAge(now_ms) > Signed(config_.suppression_ms + config_.average_window_ms)) {
    suppressing_ = false;
  }
}

bool RecognizeCommands::IsSuppressed(uint32_t now_ms) const {
  return suppressing_ && PreviousAge(now_ms) <= Signed(config_.suppression_ms);
}

bool RecognizeCommands::IsHeld(uint16_t label) const {
  const bool streaming = config_.mode == DecoderMode::kStreaming;
  const bool must_fall = config_.hysteresis_q16 > 0 || (streaming && !config_.retrigger);
  // Silence is never detected twice in a row: nothing suppresses it, so it would come at every
  // frame.
  const bool must_change = !streaming && (!config_.retrigger || label == config_.silence_label);
  return (must_fall && held_[label] != 0) || (must_change && label == previous_label_);
}

bool RecognizeCommands::IsNew(uint16_t label, uint32_t now_ms) {
  if (!IsAbove(label, thresholds_[label]) || IsSuppressed(now_ms) || IsHeld(label)) {
    return false;
  }
  previous_label_ = label;
  previous_time_ = now_ms;
  suppressing_ = label != config_.silence_label;
  held_[label] = 1;
  return true;
}

}  // namespace stapes

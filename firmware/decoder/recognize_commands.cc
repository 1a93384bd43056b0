#include "decoder/recognize_commands.h"

namespace stapes {
namespace {

// Scores have zero point -128: q + 128 counts 1/256ths.
constexpr uint32_t Unsigned(int8_t q) { return static_cast<uint32_t>(q + 128); }

bool Fits(const DecoderConfig& config) {
  return config.label_count > 0 && config.frame_capacity > 0 &&
         config.silence_label < static_cast<int32_t>(config.label_count) &&
         config.threshold_q16 <= kScoreOneQ16 && config.average_window_ms < (1u << 30) &&
         config.suppression_ms < (1u << 30);
}

}  // namespace

bool RecognizeCommands::Init(const DecoderConfig& config, Span<uint8_t> work) {
  const std::size_t needed = DecoderWorkBytes(config.label_count, config.frame_capacity);
  const bool aligned = reinterpret_cast<uintptr_t>(work.data()) % alignof(uint32_t) == 0;
  if (!Fits(config) || work.size() < needed || !aligned) {
    return false;
  }
  config_ = config;
  times_ = reinterpret_cast<uint32_t*>(work.data());
  sums_ = times_ + config.frame_capacity;
  scores_ = reinterpret_cast<int8_t*>(sums_ + config.label_count);
  dropped_ = 0;
  Reset();
  return true;
}

void RecognizeCommands::Reset() {
  head_ = 0;
  count_ = 0;
  previous_label_ = config_.silence_label;
  suppressing_ = false;
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    sums_[label] = 0;
  }
}

DecodeStatus RecognizeCommands::Process(Span<const int8_t> scores, uint32_t time_ms,
                                        Detection* result) {
  if (scores.size() != config_.label_count) {
    return DecodeStatus::kWrongCount;
  }
  if (count_ > 0 && static_cast<int32_t>(time_ms - newest_time_) < 0) {
    return DecodeStatus::kTimeBackwards;
  }
  while (count_ > 0 && OldestAge(time_ms) > config_.average_window_ms) {
    PopOldest();
  }
  Push(scores, time_ms);
  // Kept as a flag, so that it stays right when the clock wraps after 49 days.
  if (suppressing_ && time_ms - previous_time_ > config_.suppression_ms) {
    suppressing_ = false;
  }
  if (count_ < config_.minimum_count || OldestAge(time_ms) < config_.average_window_ms / 4) {
    *result = {previous_label_, 0, time_ms, false};
    return DecodeStatus::kOk;
  }
  const uint16_t top = TopLabel();
  const uint32_t score_q16 = (sums_[top] * 256u + count_ / 2u) / count_;
  *result = {top, score_q16, time_ms, IsNew(top, time_ms)};
  return DecodeStatus::kOk;
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
}

void RecognizeCommands::PopOldest() {
  const int8_t* oldest = scores_ + static_cast<std::size_t>(head_) * config_.label_count;
  for (uint16_t label = 0; label < config_.label_count; ++label) {
    sums_[label] -= Unsigned(oldest[label]);
  }
  head_ = static_cast<uint16_t>((head_ + 1u) % config_.frame_capacity);
  --count_;
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

bool RecognizeCommands::IsNew(uint16_t label, uint32_t now_ms) {
  // sum / (256 count) > threshold / 65536, without the division.
  const bool above = sums_[label] * 256u > config_.threshold_q16 * count_;
  if (!above || label == previous_label_ || suppressing_) {
    return false;
  }
  previous_label_ = label;
  previous_time_ = now_ms;
  suppressing_ = label != config_.silence_label;
  return true;
}

}  // namespace stapes

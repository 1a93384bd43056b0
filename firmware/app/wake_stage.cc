// SPDX-License-Identifier: Apache-2.0
#include "app/wake_stage.h"

namespace stapes {
namespace {

// Passes on what the wake word's model finds, and notes whether a word must wake the main model.
// The newest detection is held until the main model has heard the same samples, because what it
// found in them came first.
class WordNoted final : public PipelineSink {
 public:
  WordNoted(PipelineSink& sink, uint64_t waking_labels)
      : sink_(sink), waking_labels_(waking_labels) {}

  void OnFeatures(Span<const int8_t> features) override { sink_.OnFeatures(features); }
  void OnScores(uint32_t time_ms, Span<const int8_t> scores) override {
    sink_.OnScores(time_ms, scores);
  }
  void OnDetection(const Detection& detection) override {
    PassOn();
    word_ = detection;
    is_waiting_ = true;
    wakes_ |= detection.label >= 0 && (waking_labels_ >> detection.label & 1) != 0;
  }

  void PassOn() {
    if (is_waiting_) {
      sink_.OnDetection(word_);
    }
    is_waiting_ = false;
  }
  bool wakes() const { return wakes_; }

 private:
  PipelineSink& sink_;
  uint64_t waking_labels_;
  Detection word_ = {};
  bool is_waiting_ = false;
  bool wakes_ = false;
};

}  // namespace

void WakeStage::Push(Span<const int16_t> samples, WakeSink& sink) {
  while (!samples.empty()) {
    samples = samples.Skip(PushSome(samples, sink));
  }
}

// Ends at a frame of the wake word's model and at the last sample awake, so that nothing depends on
// how the audio was cut up.
std::size_t WakeStage::PushSome(Span<const int16_t> samples, WakeSink& sink) {
  const bool was_awake = awake();
  if (was_awake && left_ < samples.size()) {
    samples = samples.First(static_cast<std::size_t>(left_));
  }
  WordNoted wake_word(sink.OfWakeWord(), config_.waking_labels);
  const std::size_t taken = wake_word_.PushSome(samples, wake_word);
  if (was_awake) {
    model_.Push(samples.First(taken), sink.OfModel());
    left_ -= taken;
  }
  wake_word.PassOn();
  Conclude(was_awake, wake_word.wakes(), sink);
  return taken;
}

void WakeStage::Finish(WakeSink& sink) {
  WordNoted wake_word(sink.OfWakeWord(), config_.waking_labels);
  wake_word_.Finish(wake_word);
  if (awake()) {
    model_.Finish(sink.OfModel());
  }
  wake_word.PassOn();
  Conclude(awake(), wake_word.wakes(), sink);
}

void WakeStage::Conclude(bool was_awake, bool is_woken, WakeSink& sink) {
  const uint32_t time_ms = wake_word_.clock().milliseconds();
  if (is_woken) {
    if (!was_awake) {
      model_.ResetAt(wake_word_.clock());
    }
    left_ = uint64_t{config_.awake_ms} * model_.bundle().sample_rate / 1000;
    sink.OnWoken(time_ms);
  } else if (was_awake && !awake()) {
    model_.Finish(sink.OfModel());
    sink.OnAsleep(time_ms);
  }
}

void WakeStage::Reset() {
  wake_word_.Reset();
  model_.Reset();
  left_ = 0;
}

bool WakeStage::SetAwakeMs(uint32_t awake_ms) {
  const bool valid = awake_ms > 0 && awake_ms <= kMostAwakeMs;
  config_.awake_ms = valid ? awake_ms : config_.awake_ms;
  return valid;
}

}  // namespace stapes

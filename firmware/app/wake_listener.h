// SPDX-License-Identifier: Apache-2.0
// A listener with two models: lines of both, and when the second one wakes and falls asleep.
#pragma once

#include "app/listener.h"
#include "app/wake_stage.h"

namespace stapes {

class WakeListener final : public Listener, private WakeSink {
 public:
  // As of Listener and WakeStage.
  WakeListener(LineWriter& lines, Pipeline& wake_word, Pipeline& model, const WakeConfig& config)
      : Listener(lines, model),
        wake_word_(wake_word),
        wake_events_(lines, wake_word.bundle(), "wake"),
        stage_(wake_word, model, config) {}

  void Push(Span<const int16_t> samples) override { stage_.Push(samples, *this); }
  void Reset() override;
  void ResetDecoders() override;
  void SendScores(bool on) override;
  uint64_t samples() const override { return wake_word_.samples(); }
  uint32_t detections() const override { return events_.detections() + wake_events_.detections(); }
  void WriteWakeWord() override;
  void WriteCounts() override;
  Pipeline* wake_word() override { return &wake_word_; }
  bool awake() const override { return stage_.awake(); }
  const char* SetAwakeMs(uint32_t awake_ms) override;

 private:
  void Finish() override { stage_.Finish(*this); }
  PipelineSink& OfWakeWord() override { return wake_events_; }
  PipelineSink& OfModel() override { return events_; }
  void OnWoken(uint32_t time_ms) override { WriteState("woken", time_ms); }
  void OnAsleep(uint32_t time_ms) override { WriteState("asleep", time_ms); }
  void WriteState(const char* state, uint32_t time_ms);

  Pipeline& wake_word_;
  EventSink wake_events_;
  WakeStage stage_;
};

}  // namespace stapes

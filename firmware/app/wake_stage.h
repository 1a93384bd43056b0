// SPDX-License-Identifier: Apache-2.0
// Two models one after the other: the first always listens for the wake word, the second listens
// for some seconds after it, and costs nothing at other times.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "base/span.h"

namespace stapes {

// Hears what both models find. Times: as of PipelineSink.
class WakeSink {
 public:
  virtual PipelineSink& OfWakeWord() = 0;
  virtual PipelineSink& OfModel() = 0;
  // After the detection that woke the model: it listens from the next sample on, or longer if it
  // listened already.
  virtual void OnWoken(uint32_t time_ms) = 0;
  // After the last sample that the model heard.
  virtual void OnAsleep(uint32_t time_ms) = 0;

 protected:
  ~WakeSink() = default;
};

constexpr uint32_t kMostAwakeMs = 600000;

struct WakeConfig {
  uint32_t awake_ms;       // how long the model listens after each wake word: 1 to kMostAwakeMs
  uint64_t waking_labels;  // a bit for each label that wakes: silence and unknown words do not
};

class WakeStage {
 public:
  // Initialised pipelines of models with one sample rate; each has its own front end. Both outlive
  // this.
  WakeStage(Pipeline& wake_word, Pipeline& model, const WakeConfig& config)
      : wake_word_(wake_word), model_(model), config_(config) {}

  // Any number of samples, to those that listen.
  void Push(Span<const int16_t> samples, WakeSink& sink);
  // The audio has ended: what silence gates have put off is scored now.
  void Finish(WakeSink& sink);
  // Back to the first sample, and asleep. Settings stay.
  void Reset();
  bool awake() const { return left_ > 0; }

  uint32_t awake_ms() const { return config_.awake_ms; }
  // From the next wake word on. False for 0 or more than kMostAwakeMs, and then nothing changes.
  bool SetAwakeMs(uint32_t awake_ms);

 private:
  std::size_t PushSome(Span<const int16_t> samples, WakeSink& sink);
  void Conclude(bool was_awake, bool is_woken, WakeSink& sink);

  Pipeline& wake_word_;
  Pipeline& model_;
  WakeConfig config_;
  uint64_t left_ = 0;  // samples that the model will hear, 0: it sleeps
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Two models that listen: a wake word always, and the other one for some seconds after it. The
// calls are those of ../KeywordSpotter.h, and those that a wake word adds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "app/wake_stage.h"
#include "spotter/heard_words.h"
#include "stapes_wake.h"

namespace stapes {

// All memory is inside: make it a global. Not for several threads at once.
class KeywordSpotter : private WakeSink {
 public:
  // Samples for Push: 16 bits, mono, this many a second.
  static constexpr uint32_t kSamplesPerSecond = kSampleRate;
  static constexpr std::size_t kKept = HeardWords::kKept;  // words that wait for Next

  KeywordSpotter() = default;
  KeywordSpotter(const KeywordSpotter&) = delete;
  KeywordSpotter& operator=(const KeywordSpotter&) = delete;

  // Starts, or starts again, asleep. nullptr, or why a model cannot run: a literal.
  const char* Begin();

  // Takes any number of samples. Does nothing before Begin.
  void Push(const int16_t* samples, std::size_t count);

  // The oldest word of either model that was not fetched yet; false: there is none. The oldest goes
  // when more than kKept wait.
  bool Next(HeardWord* word) { return words_.Next(word); }

  // The average score above which a label is heard, Q16. False: no such label, or more than 1.0.
  bool SetThreshold(uint16_t index, uint32_t threshold_q16);
  bool SetWakeThreshold(uint16_t index, uint32_t threshold_q16);

  // Whether a wake word was heard, and still counts.
  bool awake() const { return stage_.awake(); }
  // How long a wake word counts, from the next one on. False for 0 or more than ten minutes.
  bool SetAwakeMs(uint32_t awake_ms) { return stage_.SetAwakeMs(awake_ms); }

  // Of the model that sleeps.
  static constexpr uint16_t label_count() { return kLabelCount; }
  static const char* label(uint16_t index) { return kModel.labels[index]; }

  // The newest scores, one a label: (score + 128) / 256. All -128 while the model sleeps.
  const int8_t* scores() const { return scores_; }
  const int8_t* wake_scores() const { return wake_scores_; }

 private:
  PipelineSink& OfWakeWord() override { return wake_sink_; }
  PipelineSink& OfModel() override { return sink_; }
  void OnWoken(uint32_t) override {}
  void OnAsleep(uint32_t) override { sink_.ClearScores(); }

  alignas(16) uint8_t arena_[kArenaBytes];
  alignas(8) uint8_t front_end_work_[kFrontEndWorkBytes];
  alignas(4) uint8_t decoder_work_[kDecoderWorkBytes];
  alignas(16) uint8_t wake_arena_[wake_model::kArenaBytes];
  alignas(8) uint8_t wake_front_end_work_[wake_model::kFrontEndWorkBytes];
  alignas(4) uint8_t wake_decoder_work_[wake_model::kDecoderWorkBytes];
  Pipeline pipeline_, wake_word_;
  WakeStage stage_{wake_word_, pipeline_, {kAwakeMs, kWakingLabels}};
  HeardWords words_;
  int8_t scores_[kLabelCount] = {};
  int8_t wake_scores_[wake_model::kLabelCount] = {};
  WordSink sink_{words_, kModel, {scores_, sizeof scores_}, false};
  WordSink wake_sink_{words_, wake_model::kModel, {wake_scores_, sizeof wake_scores_}, true};
  bool ready_ = false;
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// A model that listens: samples in, detections out. `stapes library` writes it into the folders
// that it makes, with the model that the folder is for. With two models wake/KeywordSpotter.h takes
// its place: the same calls, and more.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "spotter/heard_words.h"
#include "stapes_model.h"

namespace stapes {

// All memory is inside: make it a global. Not for several threads at once.
class KeywordSpotter {
 public:
  // Samples for Push: 16 bits, mono, this many a second.
  static constexpr uint32_t kSamplesPerSecond = kSampleRate;
  static constexpr std::size_t kKept = HeardWords::kKept;  // words that wait for Next

  KeywordSpotter() = default;
  KeywordSpotter(const KeywordSpotter&) = delete;
  KeywordSpotter& operator=(const KeywordSpotter&) = delete;

  // Starts, or starts again. nullptr, or why the model cannot run: a literal.
  const char* Begin();

  // Takes any number of samples. Does nothing before Begin.
  void Push(const int16_t* samples, std::size_t count);

  // The oldest word that was not fetched yet; false: there is none. The oldest goes when more than
  // kKept wait.
  bool Next(HeardWord* word) { return words_.Next(word); }

  // The average score above which a label is heard, Q16. False: no such label, or more than 1.0.
  bool SetThreshold(uint16_t index, uint32_t threshold_q16);

  static constexpr uint16_t label_count() { return kLabelCount; }
  static const char* label(uint16_t index) { return kModel.labels[index]; }

  // The network's newest scores, one a label: (score + 128) / 256. All -128 before the first.
  const int8_t* scores() const { return scores_; }

  // Whether the model listens: always, without a wake word.
  bool awake() const { return ready_; }

 private:
  alignas(16) uint8_t arena_[kArenaBytes];
  alignas(8) uint8_t front_end_work_[kFrontEndWorkBytes];
  alignas(4) uint8_t decoder_work_[kDecoderWorkBytes];
  Pipeline pipeline_;
  HeardWords words_;
  int8_t scores_[kLabelCount] = {};
  WordSink sink_{words_, kModel, {scores_, sizeof scores_}, false};
  bool ready_ = false;
};

}  // namespace stapes

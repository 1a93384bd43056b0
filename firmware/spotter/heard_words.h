// SPDX-License-Identifier: Apache-2.0
// The words that a spotter has heard, until they are fetched.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "base/span.h"

namespace stapes {

// A word that was heard.
struct HeardWord {
  const char* label;   // UTF-8; lives as long as the program
  uint16_t index;      // of the label, in the model that heard it
  uint32_t time_ms;    // since Begin: end of the audio that was heard
  uint32_t score_q16;  // 65536 is 1.0
  bool is_wake_word;   // of the model that wakes the other one; never true with one model
};

class HeardWords {
 public:
  static constexpr std::size_t kKept = 4;

  void Clear() { first_ = waiting_ = 0; }
  // The oldest goes when more than kKept wait.
  void Add(const HeardWord& word);
  // The oldest; false: there is none.
  bool Next(HeardWord* word);

 private:
  HeardWord words_[kKept] = {};
  std::size_t first_ = 0, waiting_ = 0;
};

// Adds the words that one model hears, and keeps its newest scores.
class WordSink final : public PipelineSink {
 public:
  // `scores`: one a label. All are kept by the caller.
  WordSink(HeardWords& words, const ModelBundle& bundle, Span<int8_t> scores, bool is_wake_word)
      : words_(words), bundle_(bundle), scores_(scores), is_wake_word_(is_wake_word) {}

  // Sets all scores to the lowest, which means 0.
  void ClearScores();
  void OnScores(uint32_t time_ms, Span<const int8_t> scores) override;
  void OnDetection(const Detection& detection) override;

 private:
  HeardWords& words_;
  const ModelBundle& bundle_;
  Span<int8_t> scores_;
  bool is_wake_word_;
};

}  // namespace stapes

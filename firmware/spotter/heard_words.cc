// SPDX-License-Identifier: Apache-2.0
#include "spotter/heard_words.h"

#include <cstring>

namespace stapes {

void HeardWords::Add(const HeardWord& word) {
  if (waiting_ == kKept) {
    first_ = (first_ + 1) % kKept;
    --waiting_;
  }
  words_[(first_ + waiting_) % kKept] = word;
  ++waiting_;
}

bool HeardWords::Next(HeardWord* word) {
  if (waiting_ == 0) {
    return false;
  }
  *word = words_[first_];
  first_ = (first_ + 1) % kKept;
  --waiting_;
  return true;
}

void WordSink::ClearScores() { std::memset(scores_.data(), -128, scores_.size()); }

void WordSink::OnScores(uint32_t, Span<const int8_t> scores) {
  std::memcpy(scores_.data(), scores.data(), scores_.size());
}

void WordSink::OnDetection(const Detection& detection) {
  if (detection.label < 0) {  // silence, of a model without a label for it
    return;
  }
  const uint16_t index = static_cast<uint16_t>(detection.label);
  words_.Add({bundle_.labels[index], index, detection.time_ms, detection.score_q16, is_wake_word_});
}

}  // namespace stapes

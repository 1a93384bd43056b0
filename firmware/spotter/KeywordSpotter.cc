// SPDX-License-Identifier: Apache-2.0
#include "spotter/KeywordSpotter.h"

#include <cstring>

namespace stapes {

const char* KeywordSpotter::Begin() {
  first_ = waiting_ = 0;
  std::memset(scores_, -128, sizeof scores_);
  const char* reason = pipeline_.Init(kModel, {{arena_, sizeof arena_},
                                               {front_end_work_, sizeof front_end_work_},
                                               {decoder_work_, sizeof decoder_work_}});
  ready_ = reason == nullptr;
  return reason;
}

void KeywordSpotter::Push(const int16_t* samples, std::size_t count) {
  if (ready_) {
    pipeline_.Push({samples, count}, *this);
  }
}

bool KeywordSpotter::Next(HeardWord* word) {
  if (waiting_ == 0) {
    return false;
  }
  *word = words_[first_];
  first_ = (first_ + 1) % kKept;
  --waiting_;
  return true;
}

bool KeywordSpotter::SetThreshold(uint16_t index, uint32_t threshold_q16) {
  return ready_ && pipeline_.SetThreshold(index, threshold_q16);
}

void KeywordSpotter::OnScores(uint32_t, Span<const int8_t> scores) {
  std::memcpy(scores_, scores.data(), sizeof scores_);
}

void KeywordSpotter::OnDetection(const Detection& detection) {
  if (detection.label < 0) {  // silence, of a model without a label for it
    return;
  }
  if (waiting_ == kKept) {
    first_ = (first_ + 1) % kKept;
    --waiting_;
  }
  const uint16_t index = static_cast<uint16_t>(detection.label);
  words_[(first_ + waiting_) % kKept] = {kModel.labels[index], index, detection.time_ms,
                                         detection.score_q16};
  ++waiting_;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "spotter/KeywordSpotter.h"

namespace stapes {

const char* KeywordSpotter::Begin() {
  words_.Clear();
  sink_.ClearScores();
  const char* reason = pipeline_.Init(kModel, {{arena_, sizeof arena_},
                                               {front_end_work_, sizeof front_end_work_},
                                               {decoder_work_, sizeof decoder_work_}});
  ready_ = reason == nullptr;
  return reason;
}

void KeywordSpotter::Push(const int16_t* samples, std::size_t count) {
  if (ready_) {
    pipeline_.Push({samples, count}, sink_);
  }
}

bool KeywordSpotter::SetThreshold(uint16_t index, uint32_t threshold_q16) {
  return ready_ && pipeline_.SetThreshold(index, threshold_q16);
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "spotter/wake/KeywordSpotter.h"

namespace stapes {

const char* KeywordSpotter::Begin() {
  words_.Clear();
  sink_.ClearScores();
  wake_sink_.ClearScores();
  const char* reason = pipeline_.Init(kModel, {{arena_, sizeof arena_},
                                               {front_end_work_, sizeof front_end_work_},
                                               {decoder_work_, sizeof decoder_work_}});
  if (reason == nullptr) {
    reason =
        wake_word_.Init(wake_model::kModel, {{wake_arena_, sizeof wake_arena_},
                                             {wake_front_end_work_, sizeof wake_front_end_work_},
                                             {wake_decoder_work_, sizeof wake_decoder_work_}});
  }
  ready_ = reason == nullptr;
  if (ready_) {
    stage_.Reset();
  }
  return reason;
}

void KeywordSpotter::Push(const int16_t* samples, std::size_t count) {
  if (ready_) {
    stage_.Push({samples, count}, *this);
  }
}

bool KeywordSpotter::SetThreshold(uint16_t index, uint32_t threshold_q16) {
  return ready_ && pipeline_.SetThreshold(index, threshold_q16);
}

bool KeywordSpotter::SetWakeThreshold(uint16_t index, uint32_t threshold_q16) {
  return ready_ && wake_word_.SetThreshold(index, threshold_q16);
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "spotter/spotter_c.h"

#include "KeywordSpotter.h"  // of the folder: with a wake word or without

namespace {

stapes::KeywordSpotter spotter;

}  // namespace

const char* stapes_begin(void) { return spotter.Begin(); }

void stapes_push(const int16_t* samples, size_t count) { spotter.Push(samples, count); }

bool stapes_next(stapes_word* word) {
  stapes::HeardWord heard = {};
  if (!spotter.Next(&heard)) {
    return false;
  }
  *word = {heard.label, heard.index, heard.time_ms, heard.score_q16, heard.is_wake_word};
  return true;
}

bool stapes_set_threshold(uint16_t index, uint32_t threshold_q16) {
  return spotter.SetThreshold(index, threshold_q16);
}

bool stapes_awake(void) { return spotter.awake(); }

uint32_t stapes_samples_per_second(void) { return stapes::KeywordSpotter::kSamplesPerSecond; }

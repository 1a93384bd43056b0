// SPDX-License-Identifier: Apache-2.0
// Hears raw samples from standard input with a wake word that counts for 300 ms: a line for each
// word, and for each time that the model wakes or falls asleep.
#include <cstdio>

#include "KeywordSpotter.h"

namespace {

stapes::KeywordSpotter spotter;

bool RefusesWhatDoesNotFit() {
  return !spotter.SetAwakeMs(0) && !spotter.SetWakeThreshold(1000, 0) &&
         !spotter.SetThreshold(0, 70000) && spotter.SetThreshold(0, 65536);
}

void Report() {
  static bool was_awake = false;
  stapes::HeardWord word;
  while (spotter.Next(&word)) {
    std::printf("%s, %u, %u, %d\n", word.label, static_cast<unsigned>(word.time_ms),
                static_cast<unsigned>(word.score_q16), word.is_wake_word);
  }
  if (spotter.awake() != was_awake) {
    was_awake = spotter.awake();
    std::puts(was_awake ? "awake" : "asleep");
  }
}

}  // namespace

int main() {
  const bool early = spotter.SetThreshold(0, 1) || spotter.SetWakeThreshold(0, 1);
  if (early || spotter.Begin() != nullptr || !RefusesWhatDoesNotFit() || spotter.awake()) {
    std::puts("a setting was taken or refused that should not be");
    return 1;
  }
  spotter.SetAwakeMs(300);
  int16_t samples[16];
  while (const std::size_t count = std::fread(samples, sizeof samples[0], 16, stdin)) {
    spotter.Push(samples, count);
    Report();
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Prints what the library hears in AUDIO (values of samples, separated by commas), by semihosting.
#include <cstdio>

#include "KeywordSpotter.h"

extern "C" void _start();

namespace {

const int16_t kAudio[] = {
#include AUDIO
};

stapes::KeywordSpotter spotter;

// Where a Cortex-M4 begins: its stack until newlib sets another one, and the first instruction.
__attribute__((section(".vectors"), used)) void (*const kVectors[])() = {
    reinterpret_cast<void (*)()>(0x20200000), _start};

}  // namespace

int main() {
  if (const char* reason = spotter.Begin()) {
    std::printf("%s\n", reason);
    return 1;
  }
  for (std::size_t place = 0; place < sizeof kAudio / sizeof kAudio[0]; place += 100) {
    spotter.Push(&kAudio[place], 100);
    stapes::HeardWord word;
    while (spotter.Next(&word)) {
      std::printf("%s, %u, %u, %d\n", word.label, static_cast<unsigned>(word.time_ms),
                  static_cast<unsigned>(word.score_q16), word.is_wake_word);
    }
  }
  return 0;
}

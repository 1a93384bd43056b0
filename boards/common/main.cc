// SPDX-License-Identifier: Apache-2.0
// Where start-up code leads.
#include "boards/board.h"

namespace {
constexpr uint32_t kFarewellMs = 100;  // for the last line to go out
}

int main() {
  stapes::board::Init();
  const int status = stapes::RunFirmware();
  const uint32_t start_ms = stapes::board::Millis();
  while (stapes::board::Millis() - start_ms < kFarewellMs) {
    stapes::board::Sleep();
  }
  stapes::board::Exit(status);
}

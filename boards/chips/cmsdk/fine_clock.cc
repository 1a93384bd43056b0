// SPDX-License-Identifier: Apache-2.0
// The fine clock of the boards with a CMSDK timer.
#include "boards/chips/cmsdk/fine_clock.h"

#include "boards/board.h"
#include "boards/chips/cmsdk/timer.h"
#include "pins.h"

namespace stapes {
namespace {
cmsdk::Timer timer(pins::kTimer);
}

void cmsdk::StartFineClock() { timer.Start(); }
uint32_t board::Ticks() { return timer.Ticks(); }
const uint32_t board::kTicksPerSecond = pins::kClockHertz;

}  // namespace stapes

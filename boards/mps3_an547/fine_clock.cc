// SPDX-License-Identifier: Apache-2.0
// The fine clock: the system counter, seen through a timer. Source: Corstone SSE-300 TRM; Arm
// Architecture Reference Manual, system counter.
#include "boards/chips/cmsdk/fine_clock.h"

#include "boards/board.h"
#include "pins.h"

namespace stapes {
namespace {
volatile uint32_t& counter_control = *reinterpret_cast<volatile uint32_t*>(pins::kSystemCounter);
volatile uint32_t& count_low = *reinterpret_cast<volatile uint32_t*>(pins::kTimer);
}  // namespace

void cmsdk::StartFineClock() { counter_control = 1; }
uint32_t board::Ticks() { return count_low; }
const uint32_t board::kTicksPerSecond = pins::kClockHertz;

}  // namespace stapes

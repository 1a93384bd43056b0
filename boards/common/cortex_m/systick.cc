// SPDX-License-Identifier: Apache-2.0
// The millisecond clock of a board whose processor has a SysTick timer that runs while it sleeps.
// Source: Armv7-M ARM, B3.3.
#include "boards/board.h"
#include "boards/common/cortex_m/registers.h"
#include "boards/common/cortex_m/startup.h"

namespace stapes {
namespace {
volatile uint32_t millis;
}

void cortex_m::StartSysTick(uint32_t hertz) {
  Register(kSysTickReload) = hertz / 1000 - 1;
  Register(kSysTickValue) = 0;
  Register(kSysTickControl) = 7;  // processor clock, interrupt, on
}

uint32_t board::Millis() { return millis; }
void board::Sleep() { asm volatile("wfi" ::: "memory"); }

}  // namespace stapes

extern "C" void SysTickHandler() { stapes::millis = stapes::millis + 1; }

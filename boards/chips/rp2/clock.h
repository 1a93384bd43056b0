// SPDX-License-Identifier: Apache-2.0
// The clocks: 128 MHz from the 12 MHz crystal, a multiple of a PDM microphone's 1.024 MHz; 1 MHz
// for the timer (the fine clock) and the watchdog. Source: RP2040 Datasheet, 2.14 (resets), 2.15
// (clocks), 2.16 (crystal), 2.18 (PLL), 4.7.2 (tick).
#pragma once

#include <cstdint>

namespace stapes {
namespace rp2 {

constexpr uint32_t kClockHertz = 128000000;

// Starts the clocks and takes the peripherals of this folder out of reset, fresh after any restart.
void StartClocks();

}  // namespace rp2
}  // namespace stapes

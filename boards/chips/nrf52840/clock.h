// SPDX-License-Identifier: Apache-2.0
// The 64 MHz clock from the crystal, which UART and microphone need to be exact; milliseconds and
// the fine clock from TIMER1, as SysTick stops when the processor sleeps. Gives board::Millis,
// board::Ticks and board::Sleep. Source: nRF52840 Product Specification v1.1, 5.4 and 6.30.
#pragma once

#include <cstdint>

namespace stapes {
namespace nrf52840 {

constexpr uint32_t kTimerInterrupt = 9;  // TIMER1

void StartClocks();
void OnTimer();  // its interrupt

}  // namespace nrf52840
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Clocks, timers and watchdog of the nRF51 (Reference Manual 3.0, chapters 13, 18 and 24). Its
// Cortex-M0 has no SysTick timer.
#pragma once

namespace stapes {
namespace nrf51 {

void StartClocks();
void OnMillisecond();  // the interrupt of the millisecond timer

}  // namespace nrf51
}  // namespace stapes

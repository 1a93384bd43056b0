// SPDX-License-Identifier: Apache-2.0
// Where things are, by the addresses of the secure state. Source: Arm application note 505, 3.4
// (memory map) and 3.7 (interrupts); CoreLink SSE-200 TRM for the watchdog.
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

constexpr uint32_t kClockHertz = 20000000;

constexpr uint32_t kUart = 0x50200000;  // UART 0
constexpr uint32_t kUartReceiveInterrupt = 32;
constexpr uint32_t kUartTransmitInterrupt = 33;
constexpr uint32_t kBaud = 115200;

constexpr uint32_t kTimer = 0x50000000;     // timer 0
constexpr uint32_t kWatchdog = 0x5002E000;  // the one on the slow clock
constexpr uint32_t kWatchdogHertz = 32768;

constexpr uint32_t kLeds = 0x50302000;     // user LED 0: bit 0
constexpr uint32_t kButtons = 0x50302008;  // user button 0: bit 0

}  // namespace pins
}  // namespace stapes

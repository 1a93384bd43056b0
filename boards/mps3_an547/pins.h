// SPDX-License-Identifier: Apache-2.0
// Where things are, by the addresses of the secure state. Source: Arm application note 547,
// Corstone SSE-300 TRM.
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

constexpr uint32_t kClockHertz = 32000000;

constexpr uint32_t kUart = 0x59303000;  // UART 0
constexpr uint32_t kUartReceiveInterrupt = 33;
constexpr uint32_t kUartTransmitInterrupt = 34;
constexpr uint32_t kBaud = 115200;

constexpr uint32_t kSystemCounter = 0x58100000;  // its control frame
constexpr uint32_t kTimer = 0x58000000;          // system timer 0, a view of the counter
constexpr uint32_t kWatchdog = 0x5802E000;       // the one on the slow clock
constexpr uint32_t kWatchdogHertz = 32768;

constexpr uint32_t kLeds = 0x59302000;     // user LED 0: bit 0
constexpr uint32_t kButtons = 0x59302008;  // user button 0: bit 0

}  // namespace pins
}  // namespace stapes

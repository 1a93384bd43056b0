// SPDX-License-Identifier: Apache-2.0
// Where things are on an MPS2 board without TrustZone. Source: Arm MPS2 TRM and application note
// 386, 3.4 (memory map) and 3.6 (interrupts); application notes 385 and 399 have the same.
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

constexpr uint32_t kClockHertz = 25000000;

constexpr uint32_t kUart = 0x40004000;  // UART 0
constexpr uint32_t kUartReceiveInterrupt = 0;
constexpr uint32_t kUartTransmitInterrupt = 1;
constexpr uint32_t kBaud = 115200;

constexpr uint32_t kTimer = 0x40000000;  // timer 0
constexpr uint32_t kWatchdog = 0x40008000;
constexpr uint32_t kWatchdogHertz = kClockHertz;

constexpr uint32_t kLeds = 0x40028000;     // user LED 0: bit 0
constexpr uint32_t kButtons = 0x40028008;  // user button 0: bit 0

}  // namespace pins
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Where things are. Source: BBC micro:bit schematic 1.3; nRF51 Reference Manual 3.0, 4.2 (memory
// map: the interrupt of a peripheral is bits 12 to 16 of its address).
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

// Numbers of port 0.
constexpr uint32_t kTransmit = 24;  // to the interface chip, which is a USB serial port
constexpr uint32_t kReceive = 25;
constexpr uint32_t kLedRow = 13;  // row 1: high; column 1: low
constexpr uint32_t kLedColumn = 4;
constexpr uint32_t kButton = 17;  // button A: low while it is down

constexpr uint32_t kClock = 0x40000000;
constexpr uint32_t kUart = 0x40002000;
constexpr uint32_t kFineTimer = 0x40008000;         // TIMER0, the one with 32 bits
constexpr uint32_t kMillisecondTimer = 0x40009000;  // TIMER1
constexpr uint32_t kWatchdog = 0x40010000;
constexpr uint32_t kPort = 0x50000000;
constexpr uint32_t kChipNumber = 0x10000060;  // FICR.DEVICEID, two words

constexpr uint32_t InterruptOf(uint32_t peripheral) { return peripheral >> 12 & 0x1F; }

}  // namespace pins
}  // namespace stapes

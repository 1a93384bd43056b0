// SPDX-License-Identifier: Apache-2.0
// Where an RP2350 differs from an RP2040: what the drivers of boards/chips/rp2 have to know.
// Source: Raspberry Pi, RP2350 Datasheet, build of 2025: 2.2 (addresses), 3.1.11 (SIO), 3.2
// (interrupts), 7.4 (PSM), 7.5.3 (resets), 8.5 (ticks), 12.6.10 (DMA).
#pragma once

#include <cstdint>

#include "boards/chips/rp2/registers.h"

namespace stapes {
namespace rp2 {
namespace chip {

constexpr uint32_t kClocks = 0x40010000;
constexpr uint32_t kPower = 0x40018000;
constexpr uint32_t kResets = 0x40020000;
constexpr uint32_t kPins = 0x40028000;
constexpr uint32_t kPads = 0x40038000;
constexpr uint32_t kCrystal = 0x40048000;
constexpr uint32_t kPll = 0x40050000;
constexpr uint32_t kUart = 0x40070000;
constexpr uint32_t kTimer = 0x400B0000;
constexpr uint32_t kWatchdog = 0x400D8000;

// Bits of the resets.
constexpr uint32_t kDmaReset = 1 << 2, kPinsReset = 1 << 6, kPadsReset = 1 << 9;
constexpr uint32_t kPioReset = 1 << 11, kPllReset = 1 << 14, kTimerReset = 1 << 23;
constexpr uint32_t kUartReset = 1 << 26;

constexpr uint32_t kAllButOscillators = 0x01FFFFF3;  // of the power-on sequence
constexpr uint32_t kWatchdogCountsPerUs = 1;

// Registers of the SIO.
constexpr uint32_t kOutputSet = 0x018, kOutputClear = 0x020, kOutputEnableSet = 0x038;

// Fields of a DMA channel's control.
constexpr uint32_t kIncrementWrite = 1 << 6;
constexpr uint32_t kChainToShift = 13, kRequestShift = 17;

constexpr uint32_t kDmaInterrupt = 10;   // DMA_IRQ_0
constexpr uint32_t kUartInterrupt = 33;  // UART0

// 1 MHz for timer and watchdog: one tick in so many cycles of the reference clock.
inline void StartTicks(uint32_t cycles) {
  constexpr Peripheral kTicks(0x40108000);
  constexpr uint32_t kGenerators[] = {0x18, 0x30};  // TIMER0, WATCHDOG: control, then cycles
  for (const uint32_t generator : kGenerators) {
    kTicks.At(generator + 4) = cycles;
    kTicks.At(generator) = 1;
  }
}

}  // namespace chip
}  // namespace rp2
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Where an RP2040 differs from an RP2350: what the drivers of boards/chips/rp2 have to know.
// Source: Raspberry Pi, RP2040 Datasheet, build of 2024: 2.2 (addresses), 2.3.1.7 (SIO), 2.3.2
// (interrupts), 2.5.7 (DMA), 2.13.5 (PSM), 2.14.3 (resets), 4.7.2 (tick).
#pragma once

#include <cstdint>

#include "boards/chips/rp2/registers.h"

namespace stapes {
namespace rp2 {
namespace chip {

constexpr uint32_t kClocks = 0x40008000;
constexpr uint32_t kResets = 0x4000C000;
constexpr uint32_t kPower = 0x40010000;
constexpr uint32_t kPins = 0x40014000;
constexpr uint32_t kPads = 0x4001C000;
constexpr uint32_t kCrystal = 0x40024000;
constexpr uint32_t kPll = 0x40028000;
constexpr uint32_t kUart = 0x40034000;
constexpr uint32_t kTimer = 0x40054000;
constexpr uint32_t kWatchdog = 0x40058000;

// Bits of the resets.
constexpr uint32_t kDmaReset = 1 << 2, kPinsReset = 1 << 5, kPadsReset = 1 << 8;
constexpr uint32_t kPioReset = 1 << 10, kPllReset = 1 << 12, kTimerReset = 1 << 21;
constexpr uint32_t kUartReset = 1 << 22;

constexpr uint32_t kAllButOscillators = 0x0001FFFC;  // of the power-on sequence
constexpr uint32_t kWatchdogCountsPerUs = 2;         // erratum RP2040-E1

// Registers of the SIO.
constexpr uint32_t kOutputSet = 0x014, kOutputClear = 0x018, kOutputEnableSet = 0x024;

// Fields of a DMA channel's control.
constexpr uint32_t kIncrementWrite = 1 << 5;
constexpr uint32_t kChainToShift = 11, kRequestShift = 15;

constexpr uint32_t kDmaInterrupt = 11;   // DMA_IRQ_0
constexpr uint32_t kUartInterrupt = 20;  // UART0

// 1 MHz for timer and watchdog: one tick in so many cycles of the reference clock.
inline void StartTicks(uint32_t cycles) { Peripheral(kWatchdog).At(0x2C) = cycles | 1 << 9; }

}  // namespace chip
}  // namespace rp2
}  // namespace stapes

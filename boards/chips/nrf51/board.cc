// SPDX-License-Identifier: Apache-2.0
// BBC micro:bit. Source: nRF51 Reference Manual 3.0, chapter 14 (pins).
#include "boards/board.h"

#include "boards/chips/nrf51/clocks.h"
#include "boards/chips/nrf51/registers.h"
#include "boards/chips/nrf51/uart.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

extern "C" void SysTickHandler() {}  // the chip has no SysTick

namespace stapes {
namespace {

using nrf51::Register;
using pins::InterruptOf;

constexpr uint32_t kOutSet = 0x508;
constexpr uint32_t kOutClear = 0x50C;
constexpr uint32_t kIn = 0x510;
constexpr uint32_t kPinConfig = 0x700;
constexpr uint32_t kOutput = 3;  // driven, its input buffer off
constexpr uint32_t kInputPulledUp = 3 << 2;

STAPES_BOARD_VECTORS constexpr auto kVectors =
    cortex_m::MakeVectors<32>({{InterruptOf(pins::kUart), nrf51::OnUart},
                               {InterruptOf(pins::kMillisecondTimer), nrf51::OnMillisecond},
                               {InterruptOf(pins::kWatchdog), cortex_m::WatchdogHandler}});

void ConfigurePin(uint32_t pin, uint32_t config) {
  Register(pins::kPort, kPinConfig + 4 * pin) = config;
}

}  // namespace

namespace board {

void Init() {
  nrf51::StartClocks();
  ConfigurePin(pins::kTransmit, kOutput);
  ConfigurePin(pins::kReceive, 0);
  ConfigurePin(pins::kLedRow, kOutput);
  ConfigurePin(pins::kLedColumn, kOutput);
  ConfigurePin(pins::kButton, kInputPulledUp);
  nrf51::StartUart();
}

void SetLed(bool on) { Register(pins::kPort, on ? kOutSet : kOutClear) = 1 << pins::kLedRow; }
bool ButtonDown() { return (Register(pins::kPort, kIn) >> pins::kButton & 1) == 0; }
std::size_t UartRead(Span<uint8_t> bytes) { return nrf51::ReadUart(bytes); }
std::size_t UartWrite(Span<const uint8_t> bytes) { return nrf51::WriteUart(bytes); }
bool AudioStart(uint32_t) { return false; }
std::size_t AudioRead(Span<int16_t>) { return 0; }
Losses Lost() { return {nrf51::LostBytes(), 0}; }

uint64_t UniqueId() {
  const uint64_t high = Register(pins::kChipNumber, 4);
  return high << 32 | Register(pins::kChipNumber, 0);
}

}  // namespace board
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Arm's FPGA boards, which all have the peripherals of the Cortex-M System Design Kit. Their
// addresses are in the board's pins.h; the fine clock is in fine_clock.cc or in the board's own
// file.
#include "boards/board.h"

#include "boards/chips/cmsdk/fine_clock.h"
#include "boards/chips/cmsdk/uart.h"
#include "boards/chips/cmsdk/watchdog.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/memory_link.h"
#include "pins.h"

namespace stapes {
namespace board {
namespace {

cmsdk::Uart uart;
MemoryLink memory_link;
cmsdk::Watchdog watchdog(pins::kWatchdog);

volatile uint32_t& leds = *reinterpret_cast<volatile uint32_t*>(pins::kLeds);
volatile uint32_t& buttons = *reinterpret_cast<volatile uint32_t*>(pins::kButtons);

void OnUart() { uart.OnInterrupt(); }

constexpr uint32_t kWatchdogTicks = pins::kWatchdogHertz / 1000 * kWatchdogMs;
constexpr uint32_t kVectorCount = pins::kUartTransmitInterrupt > pins::kUartReceiveInterrupt
                                      ? pins::kUartTransmitInterrupt + 1
                                      : pins::kUartReceiveInterrupt + 1;
STAPES_BOARD_VECTORS constexpr auto kVectors = cortex_m::MakeVectors<kVectorCount>(
    {{pins::kUartReceiveInterrupt, OnUart}, {pins::kUartTransmitInterrupt, OnUart}});

}  // namespace

void Init() {
  cmsdk::StartFineClock();
  uart.Start(pins::kUart, pins::kClockHertz, pins::kBaud);
  cortex_m::EnableInterrupt(pins::kUartReceiveInterrupt);
  cortex_m::EnableInterrupt(pins::kUartTransmitInterrupt);
  cortex_m::StartSysTick(pins::kClockHertz);
  memory_link.Start(STAPES_MEMORY_LINK);
}

void SetLed(bool on) { leds = on; }
bool ButtonDown() { return (buttons & 1) != 0; }
std::size_t UartRead(Span<uint8_t> bytes) {
  const std::size_t count = uart.Read(bytes);
  return count > 0 ? count : memory_link.Read(bytes);
}
std::size_t UartWrite(Span<const uint8_t> bytes) { return uart.Write(bytes); }
bool AudioStart(uint32_t) { return false; }
std::size_t AudioRead(Span<int16_t>) { return 0; }
Losses Lost() { return {uart.lost(), 0}; }
uint64_t UniqueId() { return 0; }
void FeedWatchdog() { watchdog.Feed(kWatchdogTicks); }

}  // namespace board
}  // namespace stapes

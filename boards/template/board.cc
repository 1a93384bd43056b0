// SPDX-License-Identifier: Apache-2.0
// FILL IN: the calls of boards/board.h for this board. boards/board.h says what each must do. The
// code here compiles and does nothing. docs/porting.md has the order in which to write the calls.
#include "boards/board.h"

#include "boards/common/cortex_m/startup.h"
#include "boards/common/ring.h"
#include "link/protocol.h"
#include "pins.h"

namespace stapes {
namespace board {
namespace {

// Between the interrupts of the serial port and the program.
Ring<uint8_t, kReceiveBytes> received;
Ring<uint8_t, kTransmitBytes> to_send;

// FILL IN: clears the interrupt first, then moves every received byte into `received`, and as many
// bytes of `to_send` as the peripheral takes.
void OnUart() {}

// FILL IN: the number of interrupts that the chip has, and those that are used.
constexpr uint32_t kInterruptCount = 32;
constexpr uint32_t kUartInterrupt = 0;
STAPES_BOARD_VECTORS constexpr auto kVectors =
    cortex_m::MakeVectors<kInterruptCount>({{kUartInterrupt, OnUart}});

}  // namespace

void Init() {
  // FILL IN: first clocks and pins, then the serial port at 115200 baud.
  cortex_m::EnableInterrupt(kUartInterrupt);
  cortex_m::StartSysTick(pins::kClockHertz);  // Millis and Sleep
}

// FILL IN: a pin, on or off.
void SetLed(bool) {}

// FILL IN: a pin; false without a button.
bool ButtonDown() { return false; }

std::size_t UartRead(Span<uint8_t> bytes) { return received.Take(bytes); }

std::size_t UartWrite(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !to_send.full()) {
    to_send.Put(bytes[count++]);
  }
  // FILL IN: an idle transmitter raises no interrupt; start it here.
  return count;
}

// FILL IN: starts to capture the microphone into a ring; false without one.
bool AudioStart(uint32_t) { return false; }
std::size_t AudioRead(Span<int16_t>) { return 0; }

// FILL IN: add what the serial port itself reports as overrun, and the microphone's lost samples.
Losses Lost() { return {received.lost(), 0}; }

// FILL IN: a timer of 1 MHz or more, or the cycle counter, and its rate. 0: there is no such clock.
uint32_t Ticks() { return 0; }
const uint32_t kTicksPerSecond = 0;

// FILL IN: the chip's own number; 0 without one.
uint64_t UniqueId() { return 0; }

// FILL IN: the first call starts a watchdog of kWatchdogMs, each further one feeds it.
void FeedWatchdog() {}

}  // namespace board
}  // namespace stapes

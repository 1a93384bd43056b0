// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/rp2/uart.h"

#include "boards/board.h"
#include "boards/chips/rp2/clock.h"
#include "boards/chips/rp2/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/ring.h"
#include "link/protocol.h"
#include "pins.h"

namespace stapes {
namespace rp2 {
namespace {

constexpr Peripheral kUart(chip::kUart);
constexpr uint32_t kData = 0x00;
constexpr uint32_t kOverrun = 1 << 11;
constexpr uint32_t kFlags = 0x18;
constexpr uint32_t kReceiveEmpty = 1 << 4;
constexpr uint32_t kTransmitFull = 1 << 5;
constexpr uint32_t kBaudWhole = 0x24, kBaudFraction = 0x28;
constexpr uint32_t kLine = 0x2C;
constexpr uint32_t k8BitsWithFifo = 3 << 5 | 1 << 4;
constexpr uint32_t kControl = 0x30;
constexpr uint32_t kOn = 1 << 0 | 1 << 8 | 1 << 9;
constexpr uint32_t kFifoLevels = 0x34;
constexpr uint32_t kAnEighth = 0;  // received: 4 bytes; to send: 4 bytes left
constexpr uint32_t kInterruptMask = 0x38, kInterruptClear = 0x44;
constexpr uint32_t kInterrupts = 1 << 4 | 1 << 5 | 1 << 6;  // receive, transmit, receive timeout

// In 64ths: clock / (16 * 115200), rounded.
constexpr uint32_t kDivider = (kClockHertz * 4 / 115200 * 2 + 1) / 2;
static_assert(kDivider == 4444);

Ring<uint8_t, kReceiveBytes> received;
Ring<uint8_t, board::kTransmitBytes> to_send;

// Call it with interrupts off, or in an interrupt.
void Send() {
  while (!to_send.empty() && (kUart.At(kFlags) & kTransmitFull) == 0) {
    kUart.At(kData) = to_send.Take();
  }
}

}  // namespace

void StartUart() {
  kUart.At(kBaudWhole) = kDivider / 64;
  kUart.At(kBaudFraction) = kDivider % 64;
  kUart.At(kLine) = k8BitsWithFifo;
  kUart.At(kFifoLevels) = kAnEighth;
  kUart.At(kInterruptMask) = kInterrupts;
  kUart.At(kControl) = kOn;
  cortex_m::EnableInterrupt(chip::kUartInterrupt);
}

void OnUart() {
  kUart.At(kInterruptClear) = kInterrupts;
  while ((kUart.At(kFlags) & kReceiveEmpty) == 0) {
    const uint32_t data = kUart.At(kData);
    if ((data & kOverrun) != 0) {
      received.Lose(1);
    }
    received.Put(static_cast<uint8_t>(data));
  }
  Send();
}

uint32_t LostBytes() { return received.lost(); }

}  // namespace rp2

std::size_t board::UartRead(Span<uint8_t> bytes) { return rp2::received.Take(bytes); }

std::size_t board::UartWrite(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !rp2::to_send.full()) {
    rp2::to_send.Put(bytes[count++]);
  }
  const cortex_m::InterruptsOff hold;
  rp2::Send();
  return count;
}

}  // namespace stapes

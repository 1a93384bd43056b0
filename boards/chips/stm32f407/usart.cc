// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/stm32f407/usart.h"

#include "boards/board.h"
#include "boards/chips/stm32f407/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/ring.h"
#include "link/protocol.h"

namespace stapes {
namespace stm32f407 {
namespace {

constexpr Peripheral kUsart(0x40004400);
constexpr uint32_t kStatus = 0x00;
constexpr uint32_t kOverrun = 1 << 3;
constexpr uint32_t kReceived = 1 << 5;
constexpr uint32_t kTransmitEmpty = 1 << 7;
constexpr uint32_t kData = 0x04;
constexpr uint32_t kBaudRate = 0x08;
constexpr uint32_t kControl1 = 0x0C;
constexpr uint32_t kOn = 1 << 13 | 1 << 5 | 1 << 3 | 1 << 2;  // with receive interrupts
constexpr uint32_t kTransmitInterrupt = 1 << 7;
constexpr uint32_t kUsart2Enable = 1 << 17;  // of APB1ENR
constexpr uint32_t kBaud = 115200;

Ring<uint8_t, kReceiveBytes> received;
Ring<uint8_t, board::kTransmitBytes> to_send;

// Call it with interrupts off, or in an interrupt.
void Send() {
  while (!to_send.empty() && (kUsart.At(kStatus) & kTransmitEmpty) != 0) {
    kUsart.At(kData) = to_send.Take();
  }
  kUsart.Change(kControl1, kTransmitInterrupt, to_send.empty() ? 0 : kTransmitInterrupt);
}

}  // namespace

void StartUsart(uint32_t hertz) {
  kRcc.Set(kApb1Enable, kUsart2Enable);
  kUsart.At(kBaudRate) = (hertz + kBaud / 2) / kBaud;  // oversampling by 16: 30.3.4
  kUsart.At(kControl1) = kOn;
  cortex_m::EnableInterrupt(kUsartInterrupt);
}

void OnUsart() {
  const uint32_t status = kUsart.At(kStatus);
  if ((status & (kReceived | kOverrun)) != 0) {
    received.Put(static_cast<uint8_t>(kUsart.At(kData)));  // clears both flags
  }
  if ((status & kOverrun) != 0) {
    received.Lose(1);
  }
  Send();
}

uint32_t LostBytes() { return received.lost(); }

}  // namespace stm32f407

std::size_t board::UartRead(Span<uint8_t> bytes) { return stm32f407::received.Take(bytes); }

std::size_t board::UartWrite(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !stm32f407::to_send.full()) {
    stm32f407::to_send.Put(bytes[count++]);
  }
  const cortex_m::InterruptsOff hold;
  stm32f407::Send();
  return count;
}

}  // namespace stapes

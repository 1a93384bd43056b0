// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/nrf51/uart.h"

#include "boards/board.h"
#include "boards/chips/nrf51/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/ring.h"
#include "link/protocol.h"
#include "pins.h"

namespace stapes {
namespace nrf51 {
namespace {

// Tasks, events and registers.
constexpr uint32_t kStartReceive = 0x000;
constexpr uint32_t kStartTransmit = 0x008;
constexpr uint32_t kReceived = 0x108;  // RXDRDY
constexpr uint32_t kSent = 0x11C;      // TXDRDY
constexpr uint32_t kErrorSource = 0x480;
constexpr uint32_t kEnable = 0x500;
constexpr uint32_t kTransmitPin = 0x50C;
constexpr uint32_t kReceivePin = 0x514;
constexpr uint32_t kReceiveData = 0x518;
constexpr uint32_t kTransmitData = 0x51C;
constexpr uint32_t kBaudRate = 0x524;

constexpr uint32_t kBaud115200 = 0x01D7E000;
constexpr uint32_t kOn = 4;
constexpr uint32_t kOverrun = 1;  // of kErrorSource; writing ones clears its bits
constexpr uint32_t kReceivedInterrupt = 1 << 2;
constexpr uint32_t kSentInterrupt = 1 << 7;

Ring<uint8_t, kReceiveBytes> received;
Ring<uint8_t, board::kTransmitBytes> to_send;
volatile bool sending;

volatile uint32_t& At(uint32_t offset) { return Register(pins::kUart, offset); }

// One byte is on its way at a time; its event asks for the next.
void SendNext() {
  sending = !to_send.empty();
  if (sending) {
    At(kTransmitData) = to_send.Take();
  }
}

// The event is cleared first, so that a byte that comes meanwhile sets it again. The chip's FIFO
// holds six bytes.
void TakeReceived() {
  while (At(kReceived) != 0) {
    At(kReceived) = 0;
    received.Put(static_cast<uint8_t>(At(kReceiveData)));
  }
  const uint32_t errors = At(kErrorSource);
  if (errors != 0) {
    At(kErrorSource) = errors;
    received.Lose(errors & kOverrun);
  }
}

}  // namespace

void StartUart() {
  At(kTransmitPin) = pins::kTransmit;
  At(kReceivePin) = pins::kReceive;
  At(kBaudRate) = kBaud115200;
  At(kEnable) = kOn;
  At(kInterruptSet) = kReceivedInterrupt | kSentInterrupt;
  At(kStartReceive) = 1;
  At(kStartTransmit) = 1;
  cortex_m::EnableInterrupt(pins::InterruptOf(pins::kUart));
}

void OnUart() {
  TakeReceived();
  if (At(kSent) != 0) {
    At(kSent) = 0;
    SendNext();
  }
}

std::size_t ReadUart(Span<uint8_t> bytes) { return received.Take(bytes); }

std::size_t WriteUart(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !to_send.full()) {
    to_send.Put(bytes[count++]);
  }
  const cortex_m::InterruptsOff hold;
  if (!sending) {
    SendNext();
  }
  return count;
}

uint32_t LostBytes() { return received.lost(); }

}  // namespace nrf51
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/riscv_virt/uart.h"

#include "boards/common/riscv/startup.h"

namespace stapes {
namespace riscv_virt {
namespace {

// Registers; the first two are those of the divider while kDividerAccess is set.
constexpr uint32_t kData = 0;
constexpr uint32_t kInterruptEnable = 1;
constexpr uint32_t kInterruptState = 2;  // read
constexpr uint32_t kFifoControl = 2;     // written
constexpr uint32_t kLineControl = 3;
constexpr uint32_t kModemControl = 4;
constexpr uint32_t kLineState = 5;

constexpr uint8_t kBothInterrupts = 3;             // received, and nothing left to send
constexpr uint8_t kNoInterrupt = 1;                // of the interrupt's state
constexpr uint8_t kFifosOn = 1 | 3 << 1 | 2 << 6;  // cleared; an interrupt at 8 bytes, or soon
constexpr uint32_t kFifoBytes = 16;
constexpr uint8_t kEightBits = 3;  // no parity, one stop bit
constexpr uint8_t kDividerAccess = 1 << 7;
constexpr uint8_t kReadyAndRequest = 3;  // to the host: DTR, RTS
constexpr uint8_t kReceived = 1 << 0;    // of the line's state
constexpr uint8_t kOverrun = 1 << 1;
constexpr uint8_t kSendEmpty = 1 << 5;

}  // namespace

void Uart::Start(uint32_t address, uint32_t clock_hertz, uint32_t baud) {
  address_ = address;
  const uint32_t divider = (clock_hertz + 8 * baud) / (16 * baud);
  Register(kLineControl) = kEightBits | kDividerAccess;
  Register(kData) = static_cast<uint8_t>(divider);
  Register(kInterruptEnable) = static_cast<uint8_t>(divider >> 8);
  Register(kLineControl) = kEightBits;
  Register(kFifoControl) = kFifosOn;
  Register(kModemControl) = kReadyAndRequest;
  Register(kInterruptEnable) = kBothInterrupts;
}

void Uart::OnInterrupt() {
  while ((Register(kInterruptState) & kNoInterrupt) == 0) {  // reading clears it
    Receive();
    Send();
  }
}

uint8_t Uart::LineState() {
  const uint8_t state = Register(kLineState);  // reading clears an overrun
  if (state & kOverrun) {
    received_.Lose(1);
  }
  return state;
}

void Uart::Receive() {
  while (LineState() & kReceived) {
    received_.Put(Register(kData));
  }
}

void Uart::Send() {
  if ((LineState() & kSendEmpty) == 0) {
    return;
  }
  for (uint32_t count = 0; count < kFifoBytes && !to_send_.empty(); ++count) {
    Register(kData) = to_send_.Take();
  }
}

std::size_t Uart::Write(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !to_send_.full()) {
    to_send_.Put(bytes[count++]);
  }
  const riscv::InterruptsOff hold;  // an idle transmitter raises no interrupt: start it here
  Send();
  return count;
}

}  // namespace riscv_virt
}  // namespace stapes

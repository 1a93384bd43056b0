// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/cmsdk/uart.h"

#include "boards/common/cortex_m/startup.h"

namespace stapes {
namespace cmsdk {
namespace {

constexpr uint32_t kTransmitFull = 1 << 0;  // of state
constexpr uint32_t kReceiveFull = 1 << 1;
constexpr uint32_t kReceiveOverrun = 1 << 3;
constexpr uint32_t kOn = 0xF;  // of control: both directions, both interrupts
constexpr uint32_t kTransmitInterrupt = 1 << 0;
constexpr uint32_t kReceiveInterrupt = 1 << 1;

}  // namespace

void Uart::Start(uint32_t address, uint32_t clock_hertz, uint32_t baud) {
  address_ = address;
  registers().baud_divider = clock_hertz / baud;
  registers().control = kOn;
}

void Uart::OnInterrupt() {
  Receive();
  Send();
}

void Uart::Receive() {
  registers().interrupt = kReceiveInterrupt;
  while (registers().state & kReceiveFull) {
    received_.Put(static_cast<uint8_t>(registers().data));
  }
  if (registers().state & kReceiveOverrun) {
    registers().state = kReceiveOverrun;
    received_.Lose(1);
  }
}

void Uart::Send() {
  registers().interrupt = kTransmitInterrupt;
  while (!to_send_.empty() && !(registers().state & kTransmitFull)) {
    registers().data = to_send_.Take();
  }
}

std::size_t Uart::Write(Span<const uint8_t> bytes) {
  std::size_t count = 0;
  while (count < bytes.size() && !to_send_.full()) {
    to_send_.Put(bytes[count++]);
  }
  const cortex_m::InterruptsOff hold;  // an idle transmitter raises no interrupt: start it here
  Send();
  return count;
}

}  // namespace cmsdk
}  // namespace stapes

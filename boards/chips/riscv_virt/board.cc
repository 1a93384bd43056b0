// SPDX-License-Identifier: Apache-2.0
// QEMU's RISC-V machine `virt`, in machine mode on its first processor.
#include "boards/board.h"

#include "boards/chips/riscv_virt/clock.h"
#include "boards/chips/riscv_virt/uart.h"
#include "boards/common/memory_link.h"
#include "boards/common/riscv/startup.h"
#include "pins.h"

namespace stapes {
namespace {

riscv_virt::Uart uart;
MemoryLink memory_link;

volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

// Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0, chapter 3. Its first
// context is machine mode on the first processor.
constexpr uint32_t kPriorities = pins::kInterruptController;
constexpr uint32_t kEnabled = pins::kInterruptController + 0x2000;
constexpr uint32_t kThreshold = pins::kInterruptController + 0x200000;
constexpr uint32_t kClaim = pins::kInterruptController + 0x200004;

void StartInterrupts() {
  Register(kPriorities + 4 * pins::kUartInterrupt) = 1;
  Register(kEnabled) = 1u << pins::kUartInterrupt;
  Register(kThreshold) = 0;
  riscv::EnableInterrupt(riscv::kExternalInterrupt);
}

void OnExternal() {
  const uint32_t claimed = Register(kClaim);
  uart.OnInterrupt();
  Register(kClaim) = claimed;
}

}  // namespace

void riscv::OnInterrupt(uint32_t cause) {
  if (cause == kTimerInterrupt) {
    riscv_virt::OnTimer();
  } else {
    OnExternal();
  }
}

void riscv::Reset() {
  constexpr uint32_t kRestart = 0x7777;
  Register(pins::kTestDevice) = kRestart;
  while (true) {
  }
}

void board::Init() {
  uart.Start(pins::kUart, pins::kUartHertz, pins::kBaud);
  StartInterrupts();
  riscv_virt::StartClock();
  memory_link.Start(STAPES_MEMORY_LINK);
}

void board::SetLed(bool) {}
bool board::ButtonDown() { return false; }
std::size_t board::UartRead(Span<uint8_t> bytes) {
  const std::size_t count = uart.Read(bytes);
  return count > 0 ? count : memory_link.Read(bytes);
}
std::size_t board::UartWrite(Span<const uint8_t> bytes) { return uart.Write(bytes); }
bool board::AudioStart(uint32_t) { return false; }
std::size_t board::AudioRead(Span<int16_t>) { return 0; }
Losses board::Lost() { return {uart.lost(), 0}; }
uint64_t board::UniqueId() { return 0; }

}  // namespace stapes

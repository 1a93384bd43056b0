// SPDX-License-Identifier: Apache-2.0
// Start-up of a RISC-V processor in machine mode: memory, interrupts, faults. Source: The RISC-V
// Instruction Set Manual, Volume II (20211203), 3.1 (machine-level registers), 3.7 (protection).
//
// A board defines OnInterrupt.
#pragma once

#include <cstdint>

namespace stapes {
namespace riscv {

// Causes of interrupts, of the register mcause without its uppermost bit; also bits of mie.
constexpr uint32_t kTimerInterrupt = 7;
constexpr uint32_t kExternalInterrupt = 11;

// Takes an interrupt. Each board defines it, for the interrupts that it enables.
void OnInterrupt(uint32_t cause);

// Enables one of the causes.
void EnableInterrupt(uint32_t cause);

// For an interrupt that finds that the program hangs: keeps where, and restarts the board.
[[noreturn]] void EndByWatchdog();

// Restarts the board. Each board defines it: the processor has no register for a reset.
[[noreturn]] void Reset();

// Holds all interrupts back while it lives; may be nested.
class InterruptsOff {
 public:
  InterruptsOff() { asm volatile("csrrci %0, mstatus, 8" : "=r"(before_)::"memory"); }
  ~InterruptsOff() { asm volatile("csrs mstatus, %0" ::"r"(before_ & 8) : "memory"); }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;

 private:
  uint32_t before_;
};

}  // namespace riscv
}  // namespace stapes

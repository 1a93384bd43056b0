// SPDX-License-Identifier: Apache-2.0
#include "boards/common/riscv/startup.h"

#include "boards/board.h"
#include "boards/common/memory_at_start.h"

extern "C" {
extern uint32_t stapes_flash_start[], stapes_ram_start[];
int main();
[[noreturn]] void ResetHandler();
[[noreturn]] void StartUp();
void TrapHandler();
void InterruptHandler();
}

namespace stapes {
namespace riscv {
namespace {

// Makes the image, and everything between it and the RAM, readable and executable but not writable
// until the next reset. The stack lies at the start of the RAM, so an overflow faults.
void ProtectImage() {
  constexpr uint32_t kTopOfRange = 1 << 3;
  constexpr uint32_t kReadAndRun = 1 << 0 | 1 << 2;
  constexpr uint32_t kLocked = 1 << 7;  // holds in machine mode as well
  asm volatile("csrw pmpaddr0, %0" ::"r"(reinterpret_cast<uintptr_t>(stapes_flash_start) >> 2));
  asm volatile("csrw pmpaddr1, %0" ::"r"(reinterpret_cast<uintptr_t>(stapes_ram_start) >> 2));
  asm volatile("csrw pmpcfg0, %0" ::"r"((kTopOfRange | kReadAndRun | kLocked) << 8));
}

}  // namespace

void EnableInterrupt(uint32_t cause) { asm volatile("csrs mie, %0" ::"r"(1u << cause)); }

}  // namespace riscv
}  // namespace stapes

// At the very start of the image, where the processor starts.
extern "C" [[gnu::naked, gnu::section(".boot")]] void ResetHandler() {
  asm volatile(
      "la sp, stapes_stack_top\n"
      "j StartUp\n");
}

// Runs before any memory is set up: nothing here may rely on .data or .bss.
extern "C" [[gnu::used]] void StartUp() {
  asm volatile("csrw mtvec, %0" ::"r"(TrapHandler));
  stapes::riscv::ProtectImage();
  stapes::SetUpMemory(static_cast<uint32_t*>(__builtin_frame_address(0)));
  asm volatile("csrsi mstatus, 8");  // interrupts are on when Init is called
  main();
  stapes::board::Exit(0);
}

// Interrupts and faults come here. A fault may come from a full stack, so it gets a fresh one. The
// handler of interrupts gets all registers unchanged.
extern "C" [[gnu::naked, gnu::aligned(4)]] void TrapHandler() {
  asm volatile(
      "csrw mscratch, t0\n"
      "csrr t0, mcause\n"
      "bltz t0, 1f\n"
      "mv a0, sp\n"
      "la sp, stapes_stack_top\n"
      "li a1, 0\n"
      "j EndInFault\n"
      "1: csrr t0, mscratch\n"
      "j InterruptHandler\n");
}

extern "C" [[gnu::interrupt("machine"), gnu::used]] void InterruptHandler() {
  uint32_t cause;
  asm volatile("csrr %0, mcause" : "=r"(cause));
  stapes::riscv::OnInterrupt(cause & 0x7FFFFFFF);
}

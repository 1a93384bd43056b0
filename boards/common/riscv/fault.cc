// SPDX-License-Identifier: Apache-2.0
// What a RISC-V processor knows of a fault, and the restart. Source: The RISC-V Instruction Set
// Manual, Volume II (20211203), 3.1.14 (mepc), 3.1.15 (mcause), 3.1.16 (mtval).
#include "boards/common/fault_record.h"

#include "boards/common/riscv/startup.h"

namespace stapes {
namespace riscv {

// `stack` is where the stack pointer was: past its end, the stack has overflowed.
extern "C" [[noreturn, gnu::used]] void EndInFault(const uint32_t* stack, bool by_watchdog) {
  FaultRecord fault = {0, 0, 0, 0, InStack(stack, 0), by_watchdog};
  asm volatile("csrr %0, mcause" : "=r"(fault.exception));
  asm volatile("csrr %0, mepc" : "=r"(fault.pc));
  asm volatile("csrr %0, mtval" : "=r"(fault.address));
  KeepFault(fault);
  Reset();
}

void EndByWatchdog() { EndInFault(static_cast<uint32_t*>(__builtin_frame_address(0)), true); }

}  // namespace riscv
}  // namespace stapes

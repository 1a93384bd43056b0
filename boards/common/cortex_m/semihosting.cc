// SPDX-License-Identifier: Apache-2.0
// How an emulated board ends. Source: Arm, Semihosting for AArch32 and AArch64, SYS_EXIT_EXTENDED.
#include "boards/board.h"
#include "boards/common/cortex_m/startup.h"

namespace stapes {

// Without a debugger the call is a fault, and the board restarts.
void board::Exit(int status) {
  constexpr uint32_t kExitExtended = 0x20;
  constexpr uint32_t kApplicationExit = 0x20026;
  const uint32_t block[2] = {kApplicationExit, static_cast<uint32_t>(status)};
  register uint32_t operation asm("r0") = kExitExtended;
  register const uint32_t* argument asm("r1") = block;
  asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(argument) : "memory");
  cortex_m::Reset();
}

}  // namespace stapes

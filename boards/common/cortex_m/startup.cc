// SPDX-License-Identifier: Apache-2.0
#include "boards/common/cortex_m/startup.h"

#include "boards/board.h"
#include "boards/common/cortex_m/registers.h"
#include "boards/common/memory_at_start.h"

extern "C" {
int main();
[[noreturn]] void ResetHandler();
void SysTickHandler();
}

namespace stapes {
namespace cortex_m {
namespace {

union Vector {
  constexpr Vector(const uint32_t* top) : stack(top) {}
  constexpr Vector(Handler entry) : handler(entry) {}
  const uint32_t* stack;
  Handler handler;
};

[[gnu::section(".vectors.core"), gnu::used]] constexpr Vector kCoreVectors[16] = {
    stapes_stack_top, ResetHandler, WatchdogHandler, FaultHandler,   FaultHandler, FaultHandler,
    FaultHandler,     FaultHandler, FaultHandler,    FaultHandler,   FaultHandler, FaultHandler,
    FaultHandler,     FaultHandler, FaultHandler,    SysTickHandler,
};

// Must run before any Helium or FPU instruction that the compiler may have put in.
void EnableCoprocessors() {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  constexpr uint32_t kFullAccess = 0xF << 20;  // coprocessors 10 and 11
  Register(kCoprocessorAccess) = Register(kCoprocessorAccess) | kFullAccess;
  asm volatile("dsb\nisb\n" ::: "memory");
#endif
}

}  // namespace

void UseVectors() {
  Register(kVectorTable) = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(kCoreVectors));
}

void EnableInterrupt(uint32_t number) {
  Register(kInterruptSetEnable + number / 32 * 4) = 1u << number % 32;
}

void Reset() {
  constexpr uint32_t kResetRequest = 0x05FA0004;  // key, SYSRESETREQ
  asm volatile("dsb" ::: "memory");
  Register(kResetControl) = kResetRequest;
  while (true) {
  }
}

}  // namespace cortex_m
}  // namespace stapes

// Runs before any memory is set up: nothing here may rely on .data or .bss.
extern "C" void ResetHandler() {
  stapes::cortex_m::EnableCoprocessors();
  stapes::SetUpMemory(static_cast<uint32_t*>(__builtin_frame_address(0)));
  main();
  stapes::board::Exit(0);
}

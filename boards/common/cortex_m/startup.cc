// SPDX-License-Identifier: Apache-2.0
#include "boards/common/cortex_m/startup.h"

#include "boards/board.h"
#include "boards/common/cortex_m/registers.h"

// The linker script's marks: only their addresses mean anything.
extern "C" {
extern uint32_t stapes_stack_bottom[], stapes_stack_top[];
extern uint32_t stapes_data_start[], stapes_data_end[], stapes_data_image[];
extern uint32_t stapes_bss_start[], stapes_bss_end[];
int main();
[[noreturn]] void ResetHandler();
void SysTickHandler();
}

namespace stapes {
namespace cortex_m {
namespace {

constexpr uint32_t kStackPaint = 0xA5A5A5A5;

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

// Before any instruction of Helium or of an FPU that the compiler may use.
void EnableCoprocessors() {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  constexpr uint32_t kFullAccess = 0xF << 20;  // coprocessors 10 and 11
  Register(kCoprocessorAccess) = Register(kCoprocessorAccess) | kFullAccess;
  asm volatile("dsb\nisb\n" ::: "memory");
#endif
}

}  // namespace

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

StackUse board::Stack() {
  const uint32_t* untouched = stapes_stack_bottom;
  while (untouched < stapes_stack_top && *untouched == cortex_m::kStackPaint) {
    ++untouched;
  }
  const auto bytes = [](const uint32_t* from) {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(stapes_stack_top) -
                                 reinterpret_cast<uintptr_t>(from));
  };
  return {bytes(untouched), bytes(stapes_stack_bottom)};
}

}  // namespace stapes

// Runs before any memory is set up: nothing here may rely on .data or .bss.
extern "C" void ResetHandler() {
  using stapes::cortex_m::kStackPaint;
  stapes::cortex_m::EnableCoprocessors();
  uint32_t* frame = static_cast<uint32_t*>(__builtin_frame_address(0));
  // Volatile, or the loops become calls of memset and memcpy, whose frames they would paint over.
  for (volatile uint32_t* word = stapes_stack_bottom; word < frame - 16; ++word) {
    *word = kStackPaint;
  }
  const uint32_t* image = stapes_data_image;
  for (volatile uint32_t* word = stapes_data_start; word < stapes_data_end; ++word) {
    *word = *image++;
  }
  for (volatile uint32_t* word = stapes_bss_start; word < stapes_bss_end; ++word) {
    *word = 0;
  }
  main();
  stapes::board::Exit(0);
}

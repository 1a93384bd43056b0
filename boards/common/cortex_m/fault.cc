// SPDX-License-Identifier: Apache-2.0
// What a Cortex-M knows of a fault, and the restart.
// Source: Armv7-M ARM, B1.5.6 (the stacked frame), B3.2.15 to B3.2.18 (fault status).
#include "boards/common/cortex_m/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/fault_record.h"

namespace stapes {
namespace cortex_m {
namespace {

constexpr uint32_t kExceptionMask = 0x1FF;
constexpr uint32_t kFrameWords = 8;  // that an exception stacks
constexpr uint32_t kPcInFrame = 6;

bool HasFaultStatus() {
#if defined(__ARM_ARCH_6M__)
  return false;
#else
  return true;
#endif
}

}  // namespace

// The stack may have overflowed. So the handlers below switch to a fresh one, and `frame` is read
// only where it lies in the stack.
extern "C" [[noreturn, gnu::used]] void EndInFault(const uint32_t* frame, bool by_watchdog) {
  const bool in_stack = InStack(frame, kFrameWords);
  KeepFault({
      Register(kInterruptState) & kExceptionMask,
      in_stack ? frame[kPcInFrame] : 0,
      HasFaultStatus() ? Register(kFaultStatus) : 0,
      HasFaultStatus() ? Register(kFaultAddress) : 0,
      in_stack,
      by_watchdog,
  });
  Reset();
}

[[gnu::naked]] void FaultHandler() {
  asm volatile(
      "movs r1, #0\n"
      "mrs r0, msp\n"
      "ldr r2, =stapes_stack_top\n"
      "msr msp, r2\n"
      "ldr r2, =EndInFault\n"
      "bx r2\n");
}

[[gnu::naked]] void WatchdogHandler() {
  asm volatile(
      "movs r1, #1\n"
      "mrs r0, msp\n"
      "ldr r2, =stapes_stack_top\n"
      "msr msp, r2\n"
      "ldr r2, =EndInFault\n"
      "bx r2\n");
}

void NoteWatchdog() {
  if (!HasFault()) {
    KeepFault({0, 0, 0, 0, 0, 1});
  }
}

}  // namespace cortex_m
}  // namespace stapes

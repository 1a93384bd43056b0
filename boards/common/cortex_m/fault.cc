// SPDX-License-Identifier: Apache-2.0
// What is left of a fault: a record in memory that a restart does not clear, and the restart.
// Source: Armv7-M ARM, B1.5.6 (the stacked frame), B3.2.15 to B3.2.18 (fault status).
#include "boards/board.h"
#include "boards/common/cortex_m/registers.h"
#include "boards/common/cortex_m/startup.h"

extern "C" uint32_t stapes_stack_bottom[], stapes_stack_top[];

namespace stapes {
namespace cortex_m {
namespace {

struct Record {
  uint32_t exception;
  uint32_t pc;
  uint32_t status;
  uint32_t address;
  uint32_t in_stack;
  uint32_t by_watchdog;
  uint32_t check;  // of the words before: memory starts with anything in it
};

constexpr uint32_t kExceptionMask = 0x1FF;
constexpr uint32_t kPcInFrame = 6;  // of the eight words that an exception stacks

uint32_t Check(const Record& record) {
  constexpr uint32_t kNeverZero = 0x57A9E5;
  return (record.exception * 31 + record.pc * 7 + record.status * 5 + record.address * 3 +
          record.in_stack * 2 + record.by_watchdog) ^
         kNeverZero;
}

bool InStack(const uint32_t* frame) {
  return frame >= stapes_stack_bottom && frame + kPcInFrame < stapes_stack_top;
}

const char* Reason(const Record& record) {
  if (record.by_watchdog) {
    return "watchdog";
  }
  return record.in_stack ? "fault" : "stack overflow";
}

bool HasFaultStatus() {
#if defined(__ARM_ARCH_6M__)
  return false;
#else
  return true;
#endif
}

}  // namespace
}  // namespace cortex_m
}  // namespace stapes

// At the end of the RAM, past all that start-up code writes (image.ld).
extern "C" stapes::cortex_m::Record stapes_fault_record;

namespace stapes {
namespace cortex_m {

// The stack may have overflowed: use a fresh one, and read `frame` only where it is RAM.
extern "C" [[noreturn, gnu::used]] void KeepFault(const uint32_t* frame, bool by_watchdog) {
  Record& record = stapes_fault_record;
  record.exception = Register(kInterruptState) & kExceptionMask;
  record.in_stack = InStack(frame);
  record.pc = record.in_stack ? frame[kPcInFrame] : 0;
  record.status = HasFaultStatus() ? Register(kFaultStatus) : 0;
  record.address = HasFaultStatus() ? Register(kFaultAddress) : 0;
  record.by_watchdog = by_watchdog;
  record.check = Check(record);
  Reset();
}

[[gnu::naked]] void FaultHandler() {
  asm volatile(
      "movs r1, #0\n"
      "mrs r0, msp\n"
      "ldr r2, =stapes_stack_top\n"
      "msr msp, r2\n"
      "ldr r2, =KeepFault\n"
      "bx r2\n");
}

[[gnu::naked]] void WatchdogHandler() {
  asm volatile(
      "movs r1, #1\n"
      "mrs r0, msp\n"
      "ldr r2, =stapes_stack_top\n"
      "msr msp, r2\n"
      "ldr r2, =KeepFault\n"
      "bx r2\n");
}

void NoteWatchdog() {
  Record& record = stapes_fault_record;
  if (record.check != Check(record)) {
    record = {0, 0, 0, 0, 0, 1, 0};
    record.check = Check(record);
  }
}

}  // namespace cortex_m

const Fault* board::LastFault() {
  static Fault fault;
  cortex_m::Record& record = stapes_fault_record;
  if (record.check != cortex_m::Check(record)) {
    return nullptr;
  }
  fault = {cortex_m::Reason(record), record.exception, record.pc, record.status, record.address};
  record.check = ~record.check;  // said once
  return &fault;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "boards/common/fault_record.h"

#include "boards/board.h"
#include "boards/common/memory_at_start.h"

namespace stapes {
namespace {

struct KeptFault {
  FaultRecord fault;
  uint32_t check;  // of the fault: memory starts with anything in it
};

}  // namespace
}  // namespace stapes

// At the end of the RAM, past all that start-up code writes (image.ld).
extern "C" stapes::KeptFault stapes_fault_record;

namespace stapes {
namespace {

uint32_t Check(const FaultRecord& fault) {
  constexpr uint32_t kNeverZero = 0x57A9E5;
  return (fault.exception * 31 + fault.pc * 7 + fault.status * 5 + fault.address * 3 +
          fault.in_stack * 2 + fault.by_watchdog) ^
         kNeverZero;
}

const char* Reason(const FaultRecord& fault) {
  if (fault.by_watchdog) {
    return "watchdog";
  }
  return fault.in_stack ? "fault" : "stack overflow";
}

}  // namespace

void KeepFault(const FaultRecord& fault) { stapes_fault_record = {fault, Check(fault)}; }

bool HasFault() { return stapes_fault_record.check == Check(stapes_fault_record.fault); }

bool InStack(const uint32_t* place, uint32_t words) {
  return place >= stapes_stack_bottom && place + words <= stapes_stack_top;
}

const Fault* board::LastFault() {
  static Fault told;
  if (!HasFault()) {
    return nullptr;
  }
  const FaultRecord& fault = stapes_fault_record.fault;
  told = {Reason(fault), fault.exception, fault.pc, fault.status, fault.address};
  stapes_fault_record.check = ~stapes_fault_record.check;  // said once
  return &told;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What is left of a fault: a record in memory that a restart does not clear. The start-up code of a
// processor writes it, board::LastFault reads it after the restart.
#pragma once

#include <cstdint>

namespace stapes {

struct FaultRecord {
  uint32_t exception;
  uint32_t pc;
  uint32_t status;
  uint32_t address;
  uint32_t in_stack;  // 1: the stack pointer was in the stack; 0: it has overflowed
  uint32_t by_watchdog;
};

// For the start-up code, which restarts the board then.
void KeepFault(const FaultRecord& fault);

// Whether there is one that board::LastFault has not told yet.
bool HasFault();

// Whether the stack has `words` words from here on.
bool InStack(const uint32_t* place, uint32_t words);

}  // namespace stapes

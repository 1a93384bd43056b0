// SPDX-License-Identifier: Apache-2.0
// The timer of a RISC-V processor with SiFive's CLINT (FE310-G002 manual, chapter 9): the clocks of
// boards/board.h, and a watchdog that has no hardware of its own.
#pragma once

namespace stapes {
namespace riscv_virt {

// Starts the millisecond interrupt.
void StartClock();

// Takes the millisecond interrupt; ends in a restart when the watchdog was not fed for too long.
void OnTimer();

}  // namespace riscv_virt
}  // namespace stapes

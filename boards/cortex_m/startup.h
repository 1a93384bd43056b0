// Start-up of a Cortex-M: memory, core vectors, faults. Source: Armv7-M Architecture Reference
// Manual, B1.5 (exceptions) and B3.2 (system control).
//
// The board defines SysTickHandler and, if it uses interrupts, an array of Handler with
// STAPES_BOARD_VECTORS: the external interrupts, which follow the core's 16 vectors.
#pragma once

#include <cstdint>

#include "app/port.h"

#define STAPES_BOARD_VECTORS [[gnu::section(".vectors.board"), gnu::used]]

extern "C" void SysTickHandler();

namespace stapes {
namespace cortex_m {

using Handler = void (*)();

// For vectors that nobody uses: reports over the serial port and ends the program.
void FaultHandler();

// High-water mark of the stack, from the pattern that start-up code filled it with.
StackUse MeasureStack();

// Starts the millisecond interrupt at a processor clock of `hertz`.
void StartSysTick(uint32_t hertz);

// Enables an external interrupt.
void EnableInterrupt(uint32_t number);

}  // namespace cortex_m
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Start-up of a Cortex-M: memory, vectors, faults. Source: Armv7-M Architecture Reference Manual,
// B1.5 (exceptions) and B3.2 (system control); Armv6-M has the same vectors and a part of the rest.
//
// A board that uses interrupts defines its vectors, which follow the core's 16:
//
//   STAPES_BOARD_VECTORS constexpr auto kVectors =
//       cortex_m::MakeVectors<33>({{0, OnReceive}, {32, OnTimer}});
#pragma once

#include <cstddef>
#include <cstdint>

#define STAPES_BOARD_VECTORS [[gnu::section(".vectors.board"), gnu::used]]

namespace stapes {
namespace cortex_m {

using Handler = void (*)();

// Handler of unused vectors: keeps what is known of the fault and restarts the board, which then
// reports the fault (board::LastFault).
void FaultHandler();

// The same, for the interrupt or NMI by which a watchdog announces itself.
void WatchdogHandler();

// For a watchdog that resets the chip without a warning and leaves a mark in a register. From now
// on board::LastFault names the watchdog, unless it has another reason already.
void NoteWatchdog();

struct Interrupt {
  uint32_t number;  // of the external interrupt
  Handler handler;
};

template <uint32_t kCount>
struct Vectors {
  Handler handlers[kCount];
};

// A table of `kCount` external interrupts, of which `used` are used.
template <uint32_t kCount, std::size_t kUsed>
constexpr Vectors<kCount> MakeVectors(const Interrupt (&used)[kUsed]) {
  Vectors<kCount> vectors = {};
  for (Handler& handler : vectors.handlers) {
    handler = FaultHandler;
  }
  for (const Interrupt& interrupt : used) {
    vectors.handlers[interrupt.number] = interrupt.handler;
  }
  return vectors;
}

// Takes this image's vectors from now on, where a boot loader may have left others.
void UseVectors();

// Starts the millisecond interrupt at a processor clock of `hertz` (systick.cc).
void StartSysTick(uint32_t hertz);

// Enables an external interrupt.
void EnableInterrupt(uint32_t number);

// Restarts the board.
[[noreturn]] void Reset();

// Holds all interrupts back while it lives; may be nested.
class InterruptsOff {
 public:
  InterruptsOff() { asm volatile("mrs %0, primask\ncpsid i" : "=r"(before_)::"memory"); }
  ~InterruptsOff() { asm volatile("msr primask, %0" ::"r"(before_) : "memory"); }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;

 private:
  uint32_t before_;
};

}  // namespace cortex_m
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/riscv_virt/clock.h"

#include "boards/board.h"
#include "boards/common/riscv/startup.h"
#include "pins.h"

namespace stapes {
namespace {

constexpr uint32_t kTicksPerMs = pins::kTimerHertz / 1000;

volatile uint32_t millis;
volatile uint32_t fed_at_ms;
volatile bool watched;
uint64_t next_tick;  // of the timer

volatile uint32_t& Register(uint32_t address) {
  return *reinterpret_cast<volatile uint32_t*>(address);
}

uint64_t Time() {
  uint32_t high;
  uint32_t low;
  do {
    high = Register(pins::kTimer + 4);
    low = Register(pins::kTimer);
  } while (high != Register(pins::kTimer + 4));
  return uint64_t{high} << 32 | low;
}

// The upper word is largest while the lower one changes, so that no interrupt comes too early.
void SetCompare(uint64_t time) {
  Register(pins::kTimerCompare + 4) = UINT32_MAX;
  Register(pins::kTimerCompare) = static_cast<uint32_t>(time);
  Register(pins::kTimerCompare + 4) = static_cast<uint32_t>(time >> 32);
}

}  // namespace

void riscv_virt::StartClock() {
  next_tick = Time() + kTicksPerMs;
  SetCompare(next_tick);
  riscv::EnableInterrupt(riscv::kTimerInterrupt);
}

void riscv_virt::OnTimer() {
  next_tick += kTicksPerMs;
  SetCompare(next_tick);
  millis = millis + 1;
  if (watched && millis - fed_at_ms > board::kWatchdogMs) {
    riscv::EndByWatchdog();
  }
}

uint32_t board::Millis() { return millis; }
void board::Sleep() { asm volatile("wfi" ::: "memory"); }
uint32_t board::Ticks() { return Register(pins::kTimer); }
const uint32_t board::kTicksPerSecond = pins::kTimerHertz;

void board::FeedWatchdog() {
  fed_at_ms = millis;
  watched = true;
}

}  // namespace stapes

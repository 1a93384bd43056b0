// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/nrf52840/clock.h"

#include "boards/board.h"
#include "boards/chips/nrf52840/registers.h"
#include "boards/common/cortex_m/startup.h"

namespace stapes {
namespace nrf52840 {
namespace {

constexpr Peripheral kClock(0x40000000);
constexpr uint32_t kHfClkStart = 0x000;    // TASKS_HFCLKSTART
constexpr uint32_t kHfClkStarted = 0x100;  // EVENTS_HFCLKSTARTED

constexpr Peripheral kTimer(0x40009000);
constexpr uint32_t kStart = 0x000;
constexpr uint32_t kCapture0 = 0x040;
constexpr uint32_t kCompare1 = 0x144;
constexpr uint32_t kCompare1Interrupt = 1 << 17;
constexpr uint32_t kBitMode = 0x508;
constexpr uint32_t k32Bits = 3;
constexpr uint32_t kPrescaler = 0x510;
constexpr uint32_t kCompareValue0 = 0x540;
constexpr uint32_t kCompareValue1 = 0x544;

constexpr uint32_t kTimerHertz = 16000000;
constexpr uint32_t kTicksPerMilli = kTimerHertz / 1000;

volatile uint32_t millis;

}  // namespace

void StartClocks() {
  kClock.Clear(kHfClkStarted);
  kClock.Trigger(kHfClkStart);
  while (!kClock.Happened(kHfClkStarted)) {
  }
  kTimer.At(kBitMode) = k32Bits;
  kTimer.At(kPrescaler) = 0;
  kTimer.At(kCompareValue1) = kTicksPerMilli;
  kTimer.At(kInterruptSet) = kCompare1Interrupt;
  kTimer.Trigger(kStart);
  cortex_m::EnableInterrupt(kTimerInterrupt);
}

// Works however late the interrupt comes: a compare value that the timer has already passed would
// not match again for four minutes.
void OnTimer() {
  kTimer.Clear(kCompare1);
  uint32_t next = kTimer.At(kCompareValue1);
  do {
    next += kTicksPerMilli;
    millis = millis + 1;
    kTimer.At(kCompareValue1) = next;
  } while (static_cast<int32_t>(next - board::Ticks()) <= 0);
}

}  // namespace nrf52840

uint32_t board::Millis() { return nrf52840::millis; }
const uint32_t board::kTicksPerSecond = nrf52840::kTimerHertz;

uint32_t board::Ticks() {
  nrf52840::kTimer.Trigger(nrf52840::kCapture0);
  return nrf52840::kTimer.At(nrf52840::kCompareValue0);
}

void board::Sleep() { asm volatile("wfi" ::: "memory"); }

}  // namespace stapes

// Not started: TIMER1 counts the milliseconds.
extern "C" void SysTickHandler() { stapes::cortex_m::FaultHandler(); }

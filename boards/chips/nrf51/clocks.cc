// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/nrf51/clocks.h"

#include "boards/board.h"
#include "boards/chips/nrf51/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

namespace stapes {
namespace nrf51 {
namespace {

constexpr uint32_t kStartCrystal = 0x000;  // of the clock: HFCLKSTART
constexpr uint32_t kCrystalStarted = 0x100;

constexpr uint32_t kStart = 0x000;  // of a timer
constexpr uint32_t kCapture = 0x040;
constexpr uint32_t kCompared = 0x140;
constexpr uint32_t kShortcuts = 0x200;
constexpr uint32_t kBits = 0x508;
constexpr uint32_t kPrescaler = 0x510;  // 16 MHz divided by 2^n
constexpr uint32_t kCompare = 0x540;
constexpr uint32_t k32Bits = 3;
constexpr uint32_t kClearAtCompare = 1;
constexpr uint32_t kCompareInterrupt = 1 << 16;

constexpr uint32_t kWatchdogStart = 0x000;
constexpr uint32_t kWatchdogReload = 0x504;  // CRV, at 32768 Hz
constexpr uint32_t kWatchdogFood = 0x600;    // RR[0]
constexpr uint32_t kFood = 0x6E524635;
constexpr uint32_t kTimeoutInterrupt = 1;

volatile uint32_t millis;

void StartFineTimer() {
  Register(pins::kFineTimer, kBits) = k32Bits;
  Register(pins::kFineTimer, kPrescaler) = 0;
  Register(pins::kFineTimer, kStart) = 1;
}

void StartMillisecondTimer() {
  const uint32_t timer = pins::kMillisecondTimer;
  Register(timer, kPrescaler) = 4;  // 1 MHz
  Register(timer, kCompare) = 1000;
  Register(timer, kShortcuts) = kClearAtCompare;
  Register(timer, kInterruptSet) = kCompareInterrupt;
  Register(timer, kStart) = 1;
  cortex_m::EnableInterrupt(pins::InterruptOf(timer));
}

}  // namespace

void StartClocks() {
  Register(pins::kClock, kStartCrystal) = 1;
  while (Register(pins::kClock, kCrystalStarted) == 0) {
  }
  StartFineTimer();
  StartMillisecondTimer();
}

void OnMillisecond() {
  Register(pins::kMillisecondTimer, kCompared) = 0;
  millis = millis + 1;
}

}  // namespace nrf51

namespace board {

const uint32_t kTicksPerSecond = 16000000;

uint32_t Ticks() {
  nrf51::Register(pins::kFineTimer, nrf51::kCapture) = 1;
  return nrf51::Register(pins::kFineTimer, nrf51::kCompare);
}

uint32_t Millis() { return nrf51::millis; }
void Sleep() { asm volatile("wfi" ::: "memory"); }

// Its interrupt comes 61 us before the reset: enough to say where the program was.
void FeedWatchdog() {
  using nrf51::Register;
  static bool started = false;
  if (!started) {
    started = true;
    Register(pins::kWatchdog, nrf51::kWatchdogReload) = kWatchdogMs * 32768 / 1000;
    Register(pins::kWatchdog, nrf51::kInterruptSet) = nrf51::kTimeoutInterrupt;
    cortex_m::EnableInterrupt(pins::InterruptOf(pins::kWatchdog));
    Register(pins::kWatchdog, nrf51::kWatchdogStart) = 1;
  }
  Register(pins::kWatchdog, nrf51::kWatchdogFood) = nrf51::kFood;
}

}  // namespace board
}  // namespace stapes

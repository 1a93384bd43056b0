// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/nrf52840/watchdog.h"

#include "boards/board.h"
#include "boards/chips/nrf52840/registers.h"
#include "boards/common/cortex_m/startup.h"

namespace stapes {
namespace {

constexpr nrf52840::Peripheral kWatchdog(0x40010000);
constexpr uint32_t kStart = 0x000;
constexpr uint32_t kTimeoutInterrupt = 1 << 0;
constexpr uint32_t kRunning = 0x400;  // RUNSTATUS
constexpr uint32_t kReload = 0x504;   // CRV
constexpr uint32_t kConfig = 0x50C;
constexpr uint32_t kRunAsleep = 1;  // and stop while a debugger holds the processor
constexpr uint32_t kFeed0 = 0x600;  // RR[0]
constexpr uint32_t kFeedValue = 0x6E524635;
constexpr uint32_t kHertz = 32768;

void Start() {
  kWatchdog.At(kConfig) = kRunAsleep;
  kWatchdog.At(kReload) = kHertz * board::kWatchdogMs / 1000 - 1;
  kWatchdog.At(nrf52840::kInterruptSet) = kTimeoutInterrupt;
  cortex_m::EnableInterrupt(nrf52840::kWatchdogInterrupt);
  kWatchdog.Trigger(kStart);
}

}  // namespace

void board::FeedWatchdog() {
  if (kWatchdog.At(kRunning) == 0) {
    Start();
  }
  kWatchdog.At(kFeed0) = kFeedValue;
}

}  // namespace stapes

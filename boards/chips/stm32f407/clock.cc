// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/stm32f407/clock.h"

#include "boards/board.h"
#include "boards/chips/stm32f407/registers.h"

namespace stapes {
namespace stm32f407 {
namespace {

constexpr uint32_t kControl = 0x00;  // RCC_CR
constexpr uint32_t kCrystalOn = 1 << 16;
constexpr uint32_t kCrystalReady = 1 << 17;
constexpr uint32_t kPllOn = 1 << 24;
constexpr uint32_t kPllReady = 1 << 25;
constexpr uint32_t kPllConfig = 0x04;  // RCC_PLLCFGR
// 8 MHz / 8 * 336 / 2 = 168 MHz; Q = 7.
constexpr uint32_t kPllFor168 = 8 | 336 << 6 | 0 << 16 | 1 << 22 | 7 << 24;
constexpr uint32_t kConfig = 0x08;                          // RCC_CFGR
constexpr uint32_t kApb1By4 = 5 << 10, kApb2By2 = 4 << 13;  // 42 and 84 MHz, the most they take
constexpr uint32_t kFromPll = 2, kSwitchMask = 3;
constexpr uint32_t kSwitchedToPll = 2 << 2, kSwitchedMask = 3 << 2;
constexpr uint32_t kTim2Enable = 1 << 0;  // of APB1ENR

constexpr Peripheral kFlash(0x40023C00);
constexpr uint32_t kAccess = 0x00;                                   // FLASH_ACR
constexpr uint32_t kFiveWaitStates = 5 | 1 << 8 | 1 << 9 | 1 << 10;  // prefetch and both caches

constexpr Peripheral kTim2(0x40000000);
constexpr uint32_t kTimControl = 0x00;
constexpr uint32_t kTimGenerate = 0x14;
constexpr uint32_t kTimCount = 0x24;
constexpr uint32_t kTimPrescaler = 0x28;
constexpr uint32_t kTimReload = 0x2C;

constexpr uint32_t kTries = 100000;  // some 30 ms at 16 MHz; a crystal takes 2 ms

bool Becomes(uint32_t offset, uint32_t mask, uint32_t value) {
  for (uint32_t tries = 0; tries < kTries; ++tries) {
    if ((kRcc.At(offset) & mask) == value) {
      return true;
    }
  }
  return false;
}

bool SwitchToCrystal() {
  kRcc.Set(kControl, kCrystalOn);
  if (!Becomes(kControl, kCrystalReady, kCrystalReady)) {
    return false;
  }
  kRcc.At(kPllConfig) = kPllFor168;
  kRcc.Set(kControl, kPllOn);
  if (!Becomes(kControl, kPllReady, kPllReady)) {
    return false;
  }
  kFlash.At(kAccess) = kFiveWaitStates;
  kRcc.At(kConfig) = kApb1By4 | kApb2By2;
  kRcc.Change(kConfig, kSwitchMask, kFromPll);
  return Becomes(kConfig, kSwitchedMask, kSwitchedToPll);
}

void StartFineClock(uint32_t timer_hertz) {
  kRcc.Set(kApb1Enable, kTim2Enable);
  kTim2.At(kTimPrescaler) = timer_hertz / board::kTicksPerSecond - 1;
  kTim2.At(kTimReload) = UINT32_MAX;
  kTim2.At(kTimGenerate) = 1;  // takes the prescaler over
  kTim2.At(kTimControl) = 1;
}

}  // namespace

Clocks StartClocks() {
  const bool from_crystal = SwitchToCrystal();
  // The timers of APB1 run at twice its clock where it is divided (7.2).
  StartFineClock(from_crystal ? 84000000 : 16000000);
  return from_crystal ? Clocks{168000000, 42000000, true} : Clocks{16000000, 16000000, false};
}

}  // namespace stm32f407

const uint32_t board::kTicksPerSecond = 4000000;
uint32_t board::Ticks() { return stm32f407::kTim2.At(stm32f407::kTimCount); }

}  // namespace stapes

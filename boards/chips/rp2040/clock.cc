// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/rp2040/clock.h"

#include "boards/board.h"
#include "boards/chips/rp2040/registers.h"

namespace stapes {
namespace rp2040 {
namespace {

constexpr Peripheral kResets(0x4000C000);
constexpr uint32_t kReset = 0x0;
constexpr uint32_t kResetDone = 0x8;
constexpr uint32_t kDma = 1 << 2, kIoBank0 = 1 << 5, kPadsBank0 = 1 << 8, kPio0 = 1 << 10;
constexpr uint32_t kPllSys = 1 << 12, kTimer = 1 << 21, kUart0 = 1 << 22;
constexpr uint32_t kUsed = kDma | kIoBank0 | kPadsBank0 | kPio0 | kTimer | kUart0;

constexpr Peripheral kClocks(0x40008000);
constexpr uint32_t kRefControl = 0x30, kRefSelected = 0x38;
constexpr uint32_t kSysControl = 0x3C, kSysSelected = 0x44;
constexpr uint32_t kPeriControl = 0x48;
constexpr uint32_t kRefFromCrystal = 2;
constexpr uint32_t kSysFromAux = 1;  // which is the PLL after reset
constexpr uint32_t kPeriOn = 1 << 11;

constexpr Peripheral kCrystal(0x40024000);
constexpr uint32_t kCrystalControl = 0x0, kCrystalStatus = 0x4, kCrystalStartup = 0xC;
constexpr uint32_t kCrystalOn = 0xFABAA0;     // with the range of 1 to 15 MHz
constexpr uint32_t kMillisecondAt12Mhz = 47;  // times 256 cycles
constexpr uint32_t kStable = 1u << 31;

constexpr Peripheral kPll(0x40028000);
constexpr uint32_t kPllStatus = 0x0, kPllPower = 0x4, kPllFeedback = 0x8, kPllPostDividers = 0xC;
constexpr uint32_t kLocked = 1u << 31;
constexpr uint32_t kPowerDown = 1 << 0 | 1 << 5, kPostDividersDown = 1 << 3;
constexpr uint32_t kFeedback = 128;  // 12 MHz * 128 = 1536 MHz
constexpr uint32_t kBy6By2 = 6 << 16 | 2 << 12;
static_assert(12000000 / (6 * 2) * kFeedback == kClockHertz);

constexpr Peripheral kWatchdog(0x40058000);
constexpr uint32_t kTick = 0x2C;
constexpr uint32_t kEvery12 = 12 | 1 << 9;  // of the reference clock: 1 MHz

constexpr Peripheral kFineTimer(0x40054000);
constexpr uint32_t kTimeLow = 0x28;  // TIMERAWL

void LeaveReset(uint32_t blocks) {
  kResets.Clear(kReset, blocks);
  while ((kResets.At(kResetDone) & blocks) != blocks) {
  }
}

void Select(uint32_t control, uint32_t selected, uint32_t source) {
  kClocks.At(control) = source;
  while (kClocks.At(selected) != 1u << source) {
  }
}

void StartPll() {
  kResets.Set(kReset, kPllSys);
  LeaveReset(kPllSys);
  kPll.At(kPllFeedback) = kFeedback;
  kPll.Clear(kPllPower, kPowerDown);
  while ((kPll.At(kPllStatus) & kLocked) == 0) {
  }
  kPll.At(kPllPostDividers) = kBy6By2;
  kPll.Clear(kPllPower, kPostDividersDown);
}

}  // namespace

void StartClocks() {
  kCrystal.At(kCrystalStartup) = kMillisecondAt12Mhz;
  kCrystal.At(kCrystalControl) = kCrystalOn;
  while ((kCrystal.At(kCrystalStatus) & kStable) == 0) {
  }
  // Away from the PLL first: a restart of the processor alone leaves it running.
  Select(kRefControl, kRefSelected, kRefFromCrystal);
  Select(kSysControl, kSysSelected, 0);
  kResets.Set(kReset, kUsed);
  StartPll();
  Select(kSysControl, kSysSelected, kSysFromAux);
  kClocks.At(kPeriControl) = kPeriOn;
  kWatchdog.At(kTick) = kEvery12;
  LeaveReset(kUsed);
}

}  // namespace rp2040

const uint32_t board::kTicksPerSecond = 1000000;
uint32_t board::Ticks() { return rp2040::kFineTimer.At(rp2040::kTimeLow); }

}  // namespace stapes

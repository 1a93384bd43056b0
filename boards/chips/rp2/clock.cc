// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/rp2/clock.h"

#include "boards/board.h"
#include "boards/chips/rp2/registers.h"
#include "pins.h"

namespace stapes {
namespace rp2 {
namespace {

constexpr Peripheral kResets(chip::kResets);
constexpr uint32_t kReset = 0x0;
constexpr uint32_t kResetDone = 0x8;
constexpr uint32_t kUsed = chip::kDmaReset | chip::kPinsReset | chip::kPadsReset | chip::kPioReset |
                           chip::kTimerReset | chip::kUartReset;

constexpr Peripheral kClocks(chip::kClocks);
constexpr uint32_t kRefControl = 0x30, kRefSelected = 0x38;
constexpr uint32_t kSysControl = 0x3C, kSysSelected = 0x44;
constexpr uint32_t kPeriControl = 0x48;
constexpr uint32_t kRefFromCrystal = 2;
constexpr uint32_t kSysFromAux = 1;
constexpr uint32_t kAuxIsPll = 0 << 5;
constexpr uint32_t kPeriOn = 1 << 11;

constexpr Peripheral kCrystal(chip::kCrystal);
constexpr uint32_t kCrystalControl = 0x0, kCrystalStatus = 0x4, kCrystalStartup = 0xC;
constexpr uint32_t kCrystalOn = 0xFABAA0;     // with the range of 1 to 15 MHz
constexpr uint32_t kMillisecondAt12Mhz = 47;  // times 256 cycles
constexpr uint32_t kStable = 1u << 31;

constexpr Peripheral kPll(chip::kPll);
constexpr uint32_t kPllStatus = 0x0, kPllPower = 0x4, kPllFeedback = 0x8, kPllPostDividers = 0xC;
constexpr uint32_t kLocked = 1u << 31;
constexpr uint32_t kPowerDown = 1 << 0 | 1 << 5, kPostDividersDown = 1 << 3;
constexpr uint32_t kFeedback = 128;  // 12 MHz * 128 = 1536 MHz
constexpr uint32_t kBy6By2 = 6 << 16 | 2 << 12;
static_assert(12000000 / (6 * 2) * kFeedback == kClockHertz);

constexpr uint32_t kCrystalMhz = 12;

constexpr Peripheral kFineTimer(chip::kTimer);
constexpr uint32_t kTimeLow = 0x28;  // TIMERAWL

void LeaveReset(uint32_t blocks) {
  kResets.Clear(kReset, blocks);
  while ((kResets.At(kResetDone) & blocks) != blocks) {
  }
}

void WaitUntilSelected(uint32_t selected, uint32_t source) {
  while (kClocks.At(selected) != 1u << source) {
  }
}

// Runs the processor from the crystal: its other clock source, the PLL, may change only while it is
// not in use.
void RunFromReference() {
  kClocks.At(kRefControl) = kRefFromCrystal;
  WaitUntilSelected(kRefSelected, kRefFromCrystal);
  kClocks.Clear(kSysControl, kSysFromAux);
  WaitUntilSelected(kSysSelected, 0);
}

void RunFromPll() {
  kClocks.At(kSysControl) = kAuxIsPll;
  kClocks.At(kSysControl) = kAuxIsPll | kSysFromAux;
  WaitUntilSelected(kSysSelected, kSysFromAux);
}

void StartPll() {
  kResets.Set(kReset, chip::kPllReset);
  LeaveReset(chip::kPllReset);
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
  RunFromReference();  // first: a restart of the processor alone leaves the PLL running
  kResets.Set(kReset, kUsed);
  StartPll();
  RunFromPll();
  kClocks.At(kPeriControl) = kPeriOn;
  chip::StartTicks(kCrystalMhz);
  LeaveReset(kUsed);
}

}  // namespace rp2

const uint32_t board::kTicksPerSecond = 1000000;
uint32_t board::Ticks() { return rp2::kFineTimer.At(rp2::kTimeLow); }

}  // namespace stapes

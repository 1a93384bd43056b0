// SPDX-License-Identifier: Apache-2.0
// Boards with an RP2040 or RP2350. Only one of the two cores is used. The board's pins.h says what
// is connected where.
#include "boards/board.h"

#include "boards/chips/rp2/clock.h"
#include "boards/chips/rp2/gpio.h"
#include "boards/chips/rp2/pdm.h"
#include "boards/chips/rp2/uart.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

namespace stapes {
namespace board {
namespace {

constexpr rp2::Peripheral kWatchdog(rp2::chip::kWatchdog);  // 4.7.6
constexpr uint32_t kControl = 0x00;
constexpr uint32_t kOn = 1u << 30 | 1 << 26 | 1 << 25 | 1 << 24;  // but not under a debugger
constexpr uint32_t kLoad = 0x04;
constexpr uint32_t kReason = 0x08;
constexpr uint32_t kByTimer = 1 << 0;
constexpr uint32_t kCounts = kWatchdogMs * 1000 * rp2::chip::kWatchdogCountsPerUs;
static_assert(kCounts < 1 << 24);

constexpr rp2::Peripheral kPower(rp2::chip::kPower);  // PSM, 2.13.5
constexpr uint32_t kWatchdogResets = 0x08;

constexpr uint32_t kVectorCount = rp2::chip::kUartInterrupt + 1;
STAPES_BOARD_VECTORS constexpr auto kVectors = cortex_m::MakeVectors<kVectorCount>(
    {{rp2::chip::kDmaInterrupt, rp2::OnDma}, {rp2::chip::kUartInterrupt, rp2::OnUart}});

bool watched;

}  // namespace

void Init() {
  cortex_m::UseVectors();
  if ((kWatchdog.At(kReason) & kByTimer) != 0) {
    cortex_m::NoteWatchdog();
  }
  rp2::StartClocks();
  pins::kLed.MakeOutput();
  pins::kUartTransmit.Connect(rp2::Pin::kUart);
  pins::kUartReceive.Connect(rp2::Pin::kUart);
  rp2::UseMicrophone(pins::kMicrophoneClock, pins::kMicrophoneData);
  rp2::StartUart();
  cortex_m::StartSysTick(rp2::kClockHertz);
}

void SetLed(bool on) { pins::kLed.Set(on); }
bool ButtonDown() { return false; }
Losses Lost() { return {rp2::LostBytes(), rp2::LostSamples()}; }
uint64_t UniqueId() { return 0; }  // the chip has none

void FeedWatchdog() {
  kWatchdog.At(kLoad) = kCounts;
  if (!watched) {
    kPower.At(kWatchdogResets) = rp2::chip::kAllButOscillators;
    kWatchdog.At(kControl) = kOn;
    watched = true;
  }
}

}  // namespace board
}  // namespace stapes

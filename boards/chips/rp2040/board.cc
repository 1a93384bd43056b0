// SPDX-License-Identifier: Apache-2.0
// Boards with an RP2040, of whose two cores one works; what is where is in the board's pins.h.
#include "boards/board.h"

#include "boards/chips/rp2040/clock.h"
#include "boards/chips/rp2040/gpio.h"
#include "boards/chips/rp2040/pdm.h"
#include "boards/chips/rp2040/uart.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

namespace stapes {
namespace board {
namespace {

constexpr rp2040::Peripheral kWatchdog(0x40058000);  // 4.7.6
constexpr uint32_t kControl = 0x00;
constexpr uint32_t kOn = 1u << 30 | 1 << 26 | 1 << 25 | 1 << 24;  // but not under a debugger
constexpr uint32_t kLoad = 0x04;
constexpr uint32_t kReason = 0x08;
constexpr uint32_t kByTimer = 1 << 0;
// It counts two down in every microsecond (erratum RP2040-E1).
constexpr uint32_t kCounts = kWatchdogMs * 1000 * 2;
static_assert(kCounts < 1 << 24);

constexpr rp2040::Peripheral kPower(0x40010000);  // PSM, 2.13.5
constexpr uint32_t kWatchdogResets = 0x08;
constexpr uint32_t kAllButOscillators = 0x0001FFFC;

constexpr uint32_t kVectorCount = rp2040::kUartInterrupt + 1;
STAPES_BOARD_VECTORS constexpr auto kVectors = cortex_m::MakeVectors<kVectorCount>(
    {{rp2040::kDmaInterrupt, rp2040::OnDma}, {rp2040::kUartInterrupt, rp2040::OnUart}});

bool watched;

}  // namespace

void Init() {
  if ((kWatchdog.At(kReason) & kByTimer) != 0) {
    cortex_m::NoteWatchdog();
  }
  rp2040::StartClocks();
  pins::kLed.MakeOutput();
  pins::kUartTransmit.Connect(rp2040::Pin::kUart);
  pins::kUartReceive.Connect(rp2040::Pin::kUart);
  rp2040::UseMicrophone(pins::kMicrophoneClock, pins::kMicrophoneData);
  rp2040::StartUart();
  cortex_m::StartSysTick(rp2040::kClockHertz);
}

void SetLed(bool on) { pins::kLed.Set(on); }
bool ButtonDown() { return false; }
Losses Lost() { return {rp2040::LostBytes(), rp2040::LostSamples()}; }
uint64_t UniqueId() { return 0; }  // the chip has none

void FeedWatchdog() {
  kWatchdog.At(kLoad) = kCounts;
  if (!watched) {
    kPower.At(kWatchdogResets) = kAllButOscillators;
    kWatchdog.At(kControl) = kOn;
    watched = true;
  }
}

}  // namespace board
}  // namespace stapes

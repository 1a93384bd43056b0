// SPDX-License-Identifier: Apache-2.0
// Boards with an nRF52840; what is where is in the board's pins.h.
#include "boards/board.h"

#include "boards/chips/nrf52840/clock.h"
#include "boards/chips/nrf52840/losses.h"
#include "boards/chips/nrf52840/pdm.h"
#include "boards/chips/nrf52840/uarte.h"
#include "boards/chips/nrf52840/watchdog.h"
#include "boards/common/cortex_m/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

extern "C" uint32_t stapes_flash_start[];  // the linker's: where the vectors lie

namespace stapes {
namespace board {
namespace {

constexpr nrf52840::Peripheral kFactory(0x10000000);  // FICR, 4.4
constexpr uint32_t kDeviceId0 = 0x060;
constexpr uint32_t kDeviceId1 = 0x064;

constexpr nrf52840::Peripheral kPower(0x40000000);
constexpr uint32_t kResetReason = 0x400;  // RESETREAS, 5.3.7.6; ones clear it
constexpr uint32_t kByWatchdog = 1 << 1;

constexpr uint32_t kVectorTable = 0xE000ED08;  // VTOR, Armv7-M ARM B3.2.5
constexpr uint32_t kVectorCount = nrf52840::kPdmInterrupt + 1;
STAPES_BOARD_VECTORS constexpr auto kVectors =
    cortex_m::MakeVectors<kVectorCount>({{nrf52840::kUarteInterrupt, nrf52840::OnUarte},
                                         {nrf52840::kTimerInterrupt, nrf52840::OnTimer},
                                         {nrf52840::kWatchdogInterrupt, cortex_m::WatchdogHandler},
                                         {nrf52840::kPdmInterrupt, nrf52840::OnPdm}});

// The watchdog's warning goes unheard while interrupts are off; the register knows in any case.
void NoteReset() {
  const uint32_t reason = kPower.At(kResetReason);
  kPower.At(kResetReason) = reason;
  if ((reason & kByWatchdog) != 0) {
    cortex_m::NoteWatchdog();
  }
}

}  // namespace

void Init() {
  // A boot loader may have left its own vectors, and interrupts off.
  cortex_m::Register(kVectorTable) = nrf52840::AddressOf(stapes_flash_start);
  asm volatile("dsb\ncpsie i" ::: "memory");
  NoteReset();
  nrf52840::StartClocks();
  pins::kLed.MakeOutput();
  if (pins::kHasButton) {
    pins::kButton.MakeInputPulledUp();
  }
  nrf52840::UseMicrophone(pins::kMicrophone);
  nrf52840::StartUarte(pins::kUartTransmit, pins::kUartReceive);
}

void SetLed(bool on) { pins::kLed.Set(on); }
bool ButtonDown() { return pins::kHasButton && pins::kButton.IsActive(); }
Losses Lost() { return {nrf52840::LostBytes(), nrf52840::LostSamples()}; }

uint64_t UniqueId() {
  return static_cast<uint64_t>(kFactory.At(kDeviceId1)) << 32 | kFactory.At(kDeviceId0);
}

}  // namespace board
}  // namespace stapes

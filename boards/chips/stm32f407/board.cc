// SPDX-License-Identifier: Apache-2.0
// Boards with an STM32F407; what is where is in the board's pins.h.
#include "boards/board.h"

#include "boards/chips/stm32f407/clock.h"
#include "boards/chips/stm32f407/pdm.h"
#include "boards/chips/stm32f407/registers.h"
#include "boards/chips/stm32f407/usart.h"
#include "boards/common/cortex_m/startup.h"
#include "pins.h"

namespace stapes {
namespace board {
namespace {

constexpr uint32_t kStatus = 0x74;  // RCC_CSR, 7.3.21
constexpr uint32_t kByWatchdog = 1 << 29;
constexpr uint32_t kForget = 1 << 24;

constexpr stm32f407::Peripheral kWatchdog(0x40003000);  // IWDG, 21.4
constexpr uint32_t kKey = 0x00;
constexpr uint32_t kUnlock = 0x5555, kFeed = 0xAAAA, kStart = 0xCCCC;
constexpr uint32_t kPrescaler = 0x04;
constexpr uint32_t kBy256 = 6;  // of some 32 kHz: 125 Hz, 66 to 184 over all chips
constexpr uint32_t kReload = 0x08;
constexpr uint32_t kReloadHertz = 125;

constexpr stm32f407::Peripheral kUniqueId(0x1FFF7A10);  // 39.1: 96 bits

constexpr uint32_t kVectorCount = stm32f407::kUsartInterrupt + 1;
STAPES_BOARD_VECTORS constexpr auto kVectors =
    cortex_m::MakeVectors<kVectorCount>({{stm32f407::kPdmInterrupt, stm32f407::OnPdm},
                                         {stm32f407::kUsartInterrupt, stm32f407::OnUsart}});

bool watched;
bool has_unique_id;  // not in the emulator, which has no crystal either

void StartWatchdog() {
  kWatchdog.At(kKey) = kUnlock;
  kWatchdog.At(kPrescaler) = kBy256;
  kWatchdog.At(kReload) = kReloadHertz * kWatchdogMs / 1000;
  kWatchdog.At(kKey) = kStart;
  watched = true;
}

void NoteReset() {
  if ((stm32f407::kRcc.At(kStatus) & kByWatchdog) != 0) {
    cortex_m::NoteWatchdog();
  }
  stm32f407::kRcc.Set(kStatus, kForget);
}

}  // namespace

void Init() {
  NoteReset();
  const stm32f407::Clocks clocks = stm32f407::StartClocks();
  has_unique_id = clocks.from_crystal;
  pins::kLed.MakeOutput();
  pins::kButton.MakeInput();
  pins::kUartTransmit.Connect(pins::kUartFunction);
  pins::kUartReceive.Connect(pins::kUartFunction);
  stm32f407::StartUsart(clocks.apb1_hertz);
  stm32f407::AllowMicrophone(clocks.from_crystal);
  cortex_m::StartSysTick(clocks.processor_hertz);
}

void SetLed(bool on) { pins::kLed.Set(on); }
bool ButtonDown() { return pins::kButton.IsHigh(); }
Losses Lost() { return {stm32f407::LostBytes(), stm32f407::LostSamples()}; }

uint64_t UniqueId() {
  if (!has_unique_id) {
    return 0;
  }
  const uint32_t low = kUniqueId.At(0) ^ kUniqueId.At(8);
  return static_cast<uint64_t>(kUniqueId.At(4)) << 32 | low;
}

void FeedWatchdog() {
  if (!watched) {
    StartWatchdog();
  }
  kWatchdog.At(kKey) = kFeed;
}

}  // namespace board
}  // namespace stapes

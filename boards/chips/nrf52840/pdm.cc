// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/nrf52840/pdm.h"

#include "audio/dc_blocker.h"
#include "boards/board.h"
#include "boards/chips/nrf52840/losses.h"
#include "boards/chips/nrf52840/registers.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/dma_ring.h"

namespace stapes {
namespace nrf52840 {
namespace {

constexpr Peripheral kPdm(0x4001D000);
constexpr uint32_t kStart = 0x000;
constexpr uint32_t kStarted = 0x100;
constexpr uint32_t kEnd = 0x108;
constexpr uint32_t kStartedInterrupt = 1 << 0;
constexpr uint32_t kEndInterrupt = 1 << 2;
constexpr uint32_t kClockControl = 0x504;
constexpr uint32_t k1280Kilohertz = 0x0A000000;
constexpr uint32_t kMode = 0x508;
constexpr uint32_t kMonoLeftFalling = 1;
constexpr uint32_t kGainLeft = 0x518;
constexpr uint32_t kGainRight = 0x51C;
constexpr uint32_t kPlus20Decibels = 0x50;  // the largest gain, in half decibels above -20 dB
constexpr uint32_t kRatio = 0x520;
constexpr uint32_t kRatio80 = 1;
constexpr uint32_t kSelectClock = 0x540;
constexpr uint32_t kSelectData = 0x544;
constexpr uint32_t kSamplePointer = 0x560;
constexpr uint32_t kSampleMaxCount = 0x564;

constexpr uint32_t kRate = 1280000 / 80;  // the clock over the ratio (6.15.3): exact

constexpr uint32_t kBlockSamples = 128;
constexpr uint32_t kBlocks = 16;
static_assert((kBlocks - 2) * kBlockSamples >= board::kAudioRingMs * kRate / 1000);

Microphone microphone = {};
DmaRing<int16_t, kBlockSamples, kBlocks> ring;
uint32_t queued;  // block that DMA takes next
DcBlocker dc_blocker;

void QueueBlock() { kPdm.At(kSamplePointer) = AddressOf(ring.Block(queued++)); }

}  // namespace

void UseMicrophone(const Microphone& connected) { microphone = connected; }

void OnPdm() {
  if (kPdm.Happened(kEnd)) {
    kPdm.Clear(kEnd);
    ring.BlockDone();
  }
  if (kPdm.Happened(kStarted)) {
    kPdm.Clear(kStarted);
    QueueBlock();  // the pointer is free once the block before has been started (6.15.4)
  }
}

uint32_t LostSamples() { return ring.lost(); }

}  // namespace nrf52840

bool board::AudioStart(uint32_t sample_rate) {
  using namespace nrf52840;
  if (sample_rate != kRate) {
    return false;
  }
  if (microphone.has_power_pin) {
    microphone.power.MakeOutput();
    microphone.power.Set(true);
  }
  microphone.clock.MakeOutput();
  microphone.data.MakeInput();
  kPdm.At(kSelectClock) = microphone.clock.Select();
  kPdm.At(kSelectData) = microphone.data.Select();
  kPdm.At(kClockControl) = k1280Kilohertz;
  kPdm.At(kRatio) = kRatio80;
  kPdm.At(kMode) = kMonoLeftFalling;
  kPdm.At(kGainLeft) = kPlus20Decibels;
  kPdm.At(kGainRight) = kPlus20Decibels;
  kPdm.At(kSampleMaxCount) = kBlockSamples;
  kPdm.At(kInterruptSet) = kStartedInterrupt | kEndInterrupt;
  kPdm.At(kEnable) = 1;
  QueueBlock();
  cortex_m::EnableInterrupt(kPdmInterrupt);
  kPdm.Trigger(kStart);
  return true;
}

std::size_t board::AudioRead(Span<int16_t> samples) {
  using namespace nrf52840;
  const std::size_t count = ring.Take(samples);
  dc_blocker.Process({samples.data(), count});
  return count;
}

}  // namespace stapes

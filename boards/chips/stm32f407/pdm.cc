// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/stm32f407/pdm.h"

#include "boards/board.h"
#include "boards/chips/stm32f407/gpio.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/pdm_reader.h"

namespace stapes {
namespace stm32f407 {
namespace {

constexpr uint32_t kControl = 0x00;  // RCC_CR
constexpr uint32_t kI2sPllOn = 1 << 26;
constexpr uint32_t kI2sPllReady = 1 << 27;
constexpr uint32_t kI2sPllConfig = 0x84;           // RCC_PLLI2SCFGR
constexpr uint32_t kI2sPll = 256 << 6 | 5u << 28;  // 1 MHz * 256 / 5 = 51.2 MHz
constexpr uint32_t kSpi2Enable = 1 << 14;          // of APB1ENR
constexpr uint32_t kDma1Enable = 1 << 21;          // of AHB1ENR

constexpr Peripheral kI2s(0x40003800);  // SPI2
constexpr uint32_t kControl2 = 0x04;
constexpr uint32_t kReceiveDma = 1 << 0;
constexpr uint32_t kI2sData = 0x0C;
constexpr uint32_t kI2sConfig = 0x1C;
// I2S mode, on, master receiver, left-justified so that no bit is skipped, clock high at rest.
constexpr uint32_t kMasterReceiver = 1 << 11 | 1 << 10 | 3 << 8 | 1 << 4 | 1 << 3;
constexpr uint32_t kI2sPrescaler = 0x20;
// Two 16-bit words at 32 kHz: 51.2 MHz / (2 * 25) = 1.024 MHz (28.4.4).
constexpr uint32_t kDivider = 25;
static_assert(256000000 / 5 / (2 * kDivider) == PdmReader::kBitRate);

constexpr Peripheral kDma(0x40026000);
constexpr uint32_t kFlags = 0x00;       // LISR
constexpr uint32_t kClearFlags = 0x08;  // LIFCR
constexpr uint32_t kComplete3 = 1 << 27;
constexpr uint32_t kAllFlags3 = 0x3D << 22;
constexpr uint32_t kStreamConfig = 0x58;  // S3CR
constexpr uint32_t kStreamCount = 0x5C;
constexpr uint32_t kStreamPeripheral = 0x60;
constexpr uint32_t kStreamMemory0 = 0x64;
constexpr uint32_t kStreamMemory1 = 0x68;
constexpr uint32_t kTarget1 = 1 << 19;
// Channel 0, two memories in turn, 16 bits on both sides, memory incremented, circular, interrupt
// when a block is complete, on.
constexpr uint32_t kReceiveBlocks = 1 << 18 | 1 << 13 | 1 << 11 | 1 << 10 | 1 << 8 | 1 << 4 | 1;

constexpr Pin kClockPin = {1, 10};
constexpr Pin kDataPin = {2, 3};
constexpr uint32_t kI2sFunction = 5;

// The MP45DT02 is 26 dB below full scale at 94 dB SPL, and speech some 30 dB below that.
constexpr int kGainLog2 = 4;

bool allowed;
PdmReader::Words ring;
PdmReader reader(kGainLog2);

void StartI2s() {
  kRcc.Set(kAhb1Enable, kDma1Enable);
  kRcc.Set(kApb1Enable, kSpi2Enable);
  kRcc.At(kI2sPllConfig) = kI2sPll;
  kRcc.Set(kControl, kI2sPllOn);
  while ((kRcc.At(kControl) & kI2sPllReady) == 0) {
  }
  kClockPin.Connect(kI2sFunction);
  kDataPin.Connect(kI2sFunction);
  kI2s.At(kI2sPrescaler) = kDivider;
  kI2s.At(kControl2) = kReceiveDma;
}

void StartDma() {
  kDma.At(kStreamPeripheral) = kI2s.AddressOf(kI2sData);
  kDma.At(kStreamMemory0) = AddressOf(ring.Block(0));
  kDma.At(kStreamMemory1) = AddressOf(ring.Block(1));
  kDma.At(kStreamCount) = PdmReader::kBlockWords;
  kDma.At(kClearFlags) = kAllFlags3;
  cortex_m::EnableInterrupt(kPdmInterrupt);
  kDma.At(kStreamConfig) = kReceiveBlocks;
}

}  // namespace

void AllowMicrophone(bool from_crystal) { allowed = from_crystal; }

void OnPdm() {
  if ((kDma.At(kFlags) & kComplete3) == 0) {
    return;
  }
  kDma.At(kClearFlags) = kAllFlags3;
  ring.BlockDone();
  // The memory that is not in use may be changed (10.3.9).
  const bool fills_1 = (kDma.At(kStreamConfig) & kTarget1) != 0;
  kDma.At(fills_1 ? kStreamMemory0 : kStreamMemory1) = AddressOf(ring.Block(ring.blocks() + 1));
}

uint32_t LostSamples() { return PdmReader::LostSamples(ring); }

}  // namespace stm32f407

bool board::AudioStart(uint32_t sample_rate) {
  using namespace stm32f407;
  if (!allowed || sample_rate != PdmReader::kRate) {
    return false;
  }
  StartI2s();
  StartDma();
  kI2s.At(kI2sConfig) = kMasterReceiver;
  return true;
}

std::size_t board::AudioRead(Span<int16_t> samples) {
  return stm32f407::reader.Read(stm32f407::ring, samples);
}

}  // namespace stapes

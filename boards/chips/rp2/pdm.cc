// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/rp2/pdm.h"

#include "boards/board.h"
#include "boards/chips/rp2/clock.h"
#include "boards/common/cortex_m/startup.h"
#include "boards/common/pdm_reader.h"
#include "pins.h"

namespace stapes {
namespace rp2 {
namespace {

constexpr Peripheral kPio(0x50200000);
constexpr uint32_t kControl = 0x000;
constexpr uint32_t kRun0 = 1 << 0;
constexpr uint32_t kReceived0 = 0x020;  // RXF0
constexpr uint32_t kInstructions = 0x048;
constexpr uint32_t kDivider0 = 0x0C8;
constexpr uint32_t kFullSpeed = 1 << 16;
constexpr uint32_t kExecution0 = 0x0CC;
constexpr uint32_t kShift0 = 0x0D0;
// Left, so that the earliest bit comes first; a word for every 16 bits; the whole FIFO for them.
constexpr uint32_t kShiftLeft16 = 1u << 31 | 16 << 20 | 1 << 16;
constexpr uint32_t kInstruction0 = 0x0D8;
constexpr uint32_t kPins0 = 0x0DC;
constexpr uint32_t kSetPinOutput = 0xE081;  // set pindirs, 1

// One bit takes 125 cycles of the processor's clock: high for 62, low for 63. The left channel's
// bit is taken in the last cycle. An instruction: what it does, the clock's level, cycles it takes.
constexpr uint32_t Step(uint32_t operation, uint32_t level, uint32_t cycles) {
  return operation | level << 12 | (cycles - 1) << 8;
}
constexpr uint32_t kNothing = 0xA042;  // mov y, y
constexpr uint32_t kTakeBit = 0x4001;  // in pins, 1
constexpr uint32_t kProgram[] = {
    Step(kNothing, 1, 16), Step(kNothing, 1, 16), Step(kNothing, 1, 16),
    Step(kNothing, 1, 14), Step(kNothing, 0, 16), Step(kNothing, 0, 16),
    Step(kNothing, 0, 16), Step(kNothing, 0, 14), Step(kTakeBit, 0, 1),
};
constexpr uint32_t kSteps = sizeof kProgram / sizeof kProgram[0];
constexpr uint32_t kWrapAtEnd = (kSteps - 1) << 12;
constexpr uint32_t kCyclesPerBit = 16 + 16 + 16 + 14 + 16 + 16 + 16 + 14 + 1;
static_assert(kClockHertz == kCyclesPerBit * PdmReader::kBitRate);

constexpr Peripheral kDma(0x50000000);
constexpr uint32_t kChannelBytes = 0x40;
constexpr uint32_t kReadAddress = 0x00, kWriteAddress = 0x04, kCount = 0x08;
constexpr uint32_t kControlAndStart = 0x0C, kControlOnly = 0x10;
constexpr uint32_t kInterruptEnable = 0x404, kInterruptStatus = 0x40C;

// On, 16 bits, memory incremented, paced by RXF0, then the other channel.
constexpr uint32_t ChannelControl(uint32_t next) {
  constexpr uint32_t kOn = 1 << 0, kHalfWords = 1 << 2, kReceivedByPio0 = 4;
  return kOn | kHalfWords | chip::kIncrementWrite | next << chip::kChainToShift |
         kReceivedByPio0 << chip::kRequestShift;
}

// Microphones differ by some 10 dB; speech at arm's length comes out near a tenth of full scale.
constexpr int kGainLog2 = 4;

Pin clock_pin;
Pin data_pin;
PdmReader::Words ring;
PdmReader reader(kGainLog2);

void StartStateMachine() {
  for (uint32_t i = 0; i < kSteps; ++i) {
    kPio.At(kInstructions + 4 * i) = kProgram[i];
  }
  kPio.At(kDivider0) = kFullSpeed;
  kPio.At(kExecution0) = kWrapAtEnd;
  kPio.At(kShift0) = kShiftLeft16;
  kPio.At(kPins0) =
      1 << 29 | 1 << 26 | data_pin.index << 15 | clock_pin.index << 10 | clock_pin.index << 5;
  kPio.At(kInstruction0) = kSetPinOutput;
  clock_pin.Connect(Pin::kPio0);
  data_pin.Connect(Pin::kPio0);
  kPio.At(kControl) = kRun0;
}

void SetUpChannel(uint32_t channel) {
  const Peripheral registers(kDma.AddressOf(kChannelBytes * channel));
  registers.At(kReadAddress) = kPio.AddressOf(kReceived0);
  registers.At(kWriteAddress) = AddressOf(ring.Block(channel));
  registers.At(kCount) = PdmReader::kBlockWords;
  registers.At(kControlOnly) = ChannelControl(channel ^ 1);
}

}  // namespace

void UseMicrophone(Pin clock, Pin data) {
  clock_pin = clock;
  data_pin = data;
}

void OnDma() {
  uint32_t channel = ring.blocks() % 2;
  while ((kDma.At(kInterruptStatus) >> channel & 1) != 0) {
    kDma.At(kInterruptStatus) = 1u << channel;
    ring.BlockDone();
    // The other channel already fills the next block; this channel gets the block after it.
    kDma.At(kChannelBytes * channel + kWriteAddress) = AddressOf(ring.Block(ring.blocks() + 1));
    channel ^= 1;
  }
}

uint32_t LostSamples() { return PdmReader::LostSamples(ring); }

}  // namespace rp2

bool board::AudioStart(uint32_t sample_rate) {
  using namespace rp2;
  if (sample_rate != PdmReader::kRate) {
    return false;
  }
  SetUpChannel(0);
  SetUpChannel(1);
  kDma.At(kInterruptEnable) = 3;
  cortex_m::EnableInterrupt(chip::kDmaInterrupt);
  kDma.At(kControlAndStart) = ChannelControl(1);
  StartStateMachine();
  return true;
}

std::size_t board::AudioRead(Span<int16_t> samples) { return rp2::reader.Read(rp2::ring, samples); }

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "boards/chips/rp2/gpio.h"

#include "boards/chips/rp2/registers.h"
#include "pins.h"

namespace stapes {
namespace rp2 {
namespace {

constexpr Peripheral kPins(chip::kPins);
constexpr Peripheral kPads(chip::kPads);
constexpr Peripheral kSingleCycleIo(0xD0000000);

// Input on, 4 mA, pulled down, hysteresis. An RP2040's pads have this value after a reset; an
// RP2350's pads are cut off from their peripherals until it is written.
constexpr uint32_t kPadInUse = 1 << 6 | 1 << 4 | 1 << 2 | 1 << 1;

}  // namespace

void Pin::Connect(uint32_t function) const {
  kPins.At(4 + 8 * index) = function;
  kPads.At(4 + 4 * index) = kPadInUse;
}

void Pin::MakeOutput() const {
  Set(false);
  kSingleCycleIo.At(chip::kOutputEnableSet) = 1u << index;
  Connect(Pin::kSio);
}

void Pin::Set(bool high) const {
  kSingleCycleIo.At(high ? chip::kOutputSet : chip::kOutputClear) = 1u << index;
}

}  // namespace rp2
}  // namespace stapes

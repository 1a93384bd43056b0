// SPDX-License-Identifier: Apache-2.0
// Pins. Source: RP2040 Datasheet, 2.19.6.1 (functions), 2.3.1.7 (SIO).
#pragma once

#include <cstdint>

#include "boards/chips/rp2040/registers.h"

namespace stapes {
namespace rp2040 {

struct Pin {
  uint32_t index;

  static constexpr uint32_t kUart = 2, kSio = 5, kPio0 = 6;

  void Connect(uint32_t function) const { Peripheral(0x40014000).At(4 + 8 * index) = function; }
  void MakeOutput() const {
    Set(false);
    Peripheral(0xD0000000).At(0x024) = 1u << index;
    Connect(kSio);
  }
  void Set(bool high) const { Peripheral(0xD0000000).At(high ? 0x014 : 0x018) = 1u << index; }
};

}  // namespace rp2040
}  // namespace stapes

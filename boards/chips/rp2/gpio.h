// SPDX-License-Identifier: Apache-2.0
// Pins. Source: RP2040 Datasheet, 2.19.6.1 (functions), 2.19.6.3 (pads), 2.3.1.7 (SIO); RP2350
// Datasheet, 9.11.1, 9.11.3, 3.1.11.
#pragma once

#include <cstdint>

namespace stapes {
namespace rp2 {

struct Pin {
  uint32_t index;

  static constexpr uint32_t kUart = 2, kSio = 5, kPio0 = 6;  // functions

  void Connect(uint32_t function) const;
  void MakeOutput() const;
  void Set(bool high) const;
};

}  // namespace rp2
}  // namespace stapes

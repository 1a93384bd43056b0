// SPDX-License-Identifier: Apache-2.0
// Pins. Source: nRF52840 Product Specification v1.1, 6.9.
#pragma once

#include <cstdint>

#include "boards/chips/nrf52840/registers.h"

namespace stapes {
namespace nrf52840 {

// Pin `index` of port `port`, P<port>.<index>. `active_high`: a high level means on (LED, power) or
// pressed (button); otherwise a low level does.
struct Pin {
  uint32_t port;
  uint32_t index;
  bool active_high = true;

  // What PSEL registers take (6.9.1): connected, as bit 31 is 0.
  constexpr uint32_t Select() const { return port << 5 | index; }

  void MakeOutput() const {
    Set(false);
    Port().At(kConfig + 4 * index) = kOutput;
  }
  void MakeInput() const { Port().At(kConfig + 4 * index) = kInput; }
  void MakeInputPulledUp() const { Port().At(kConfig + 4 * index) = kInputPulledUp; }
  // As a UART's output is to be before the UART takes it over (6.34.6).
  void MakeIdleHigh() const {
    Port().At(kOutSet) = 1u << index;
    Port().At(kConfig + 4 * index) = kOutput;
  }
  void Set(bool active) const {
    Port().At(active == active_high ? kOutSet : kOutClear) = 1u << index;
  }
  bool IsActive() const { return ((Port().At(kIn) >> index & 1) != 0) == active_high; }

 private:
  static constexpr uint32_t kOutSet = 0x508;
  static constexpr uint32_t kOutClear = 0x50C;
  static constexpr uint32_t kIn = 0x510;
  static constexpr uint32_t kConfig = 0x700;  // PIN_CNF[n]
  static constexpr uint32_t kOutput = 3;      // DIR output, input buffer disconnected
  static constexpr uint32_t kInput = 0;
  static constexpr uint32_t kInputPulledUp = 3 << 2;

  Peripheral Port() const { return Peripheral(0x50000000 + 0x300 * port); }
};

}  // namespace nrf52840
}  // namespace stapes

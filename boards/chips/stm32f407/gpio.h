// SPDX-License-Identifier: Apache-2.0
// Pins. Source: RM0090, 8.4.
#pragma once

#include <cstdint>

#include "boards/chips/stm32f407/registers.h"

namespace stapes {
namespace stm32f407 {

// Pin `index` of a port: port 0 is GPIOA. The port's clock is switched on with the first use.
struct Pin {
  uint32_t port;
  uint32_t index;

  void MakeOutput() const { SetMode(1); }
  void MakeInput() const { SetMode(0); }
  void Connect(uint32_t function) const {  // an alternate function, AF0 to AF15
    const uint32_t place = 4 * (index % 8);
    SetMode(2);
    Port().Change(kFunctionLow + 4 * (index / 8), 15u << place, function << place);
  }
  void Set(bool high) const { Port().At(kSetReset) = 1u << (high ? index : index + 16); }
  bool IsHigh() const { return (Port().At(kInput) >> index & 1) != 0; }

 private:
  static constexpr uint32_t kMode = 0x00;         // MODER
  static constexpr uint32_t kInput = 0x10;        // IDR
  static constexpr uint32_t kSetReset = 0x18;     // BSRR
  static constexpr uint32_t kFunctionLow = 0x20;  // AFRL, AFRH

  Peripheral Port() const { return Peripheral(0x40020000 + 0x400 * port); }
  void SetMode(uint32_t mode) const {
    kRcc.Set(kAhb1Enable, 1u << port);
    Port().Change(kMode, 3u << 2 * index, mode << 2 * index);
  }
};

}  // namespace stm32f407
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The clocks: 168 MHz from an 8 MHz crystal, or the internal 16 MHz where there is no crystal, as
// in the emulator. TIM2 is the fine clock. Source: RM0090, 7.2 (clocks), 3.5.1 (flash wait states),
// 18.4 (TIM2).
#pragma once

#include <cstdint>

namespace stapes {
namespace stm32f407 {

struct Clocks {
  uint32_t processor_hertz;
  uint32_t apb1_hertz;
  bool from_crystal;
};

// Switches to the crystal if it starts, and starts the fine clock.
Clocks StartClocks();

}  // namespace stm32f407
}  // namespace stapes

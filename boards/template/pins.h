// SPDX-License-Identifier: Apache-2.0
// FILL IN: pins, addresses of peripherals, numbers of interrupts, clock rates, each with the
// section of the manual that it comes from. Drivers hold no number of the board.
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

constexpr uint32_t kClockHertz = 64000000;  // FILL IN: the processor's clock after Init

}  // namespace pins
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The watchdog, on the 32.768 kHz clock, which it starts itself. Source: nRF52840 Product
// Specification v1.1, 6.36.
#pragma once

#include <cstdint>

namespace stapes {
namespace nrf52840 {

constexpr uint32_t kWatchdogInterrupt = 16;  // two periods of its clock before the reset

}  // namespace nrf52840
}  // namespace stapes

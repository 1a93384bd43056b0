// SPDX-License-Identifier: Apache-2.0
// The serial port: UARTE0 with EasyDMA in both directions. Source: nRF52840 Product Specification
// v1.1, 6.34; TIMER2 as a counter of received bytes through PPI, 6.30 and 6.16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"
#include "boards/chips/nrf52840/gpio.h"

namespace stapes {
namespace nrf52840 {

constexpr uint32_t kUarteInterrupt = 2;  // UARTE0

// 115200 baud, 8 data bits, no parity, one stop bit, no flow control.
void StartUarte(Pin transmit, Pin receive);
void OnUarte();  // its interrupt

}  // namespace nrf52840
}  // namespace stapes

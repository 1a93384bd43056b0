// SPDX-License-Identifier: Apache-2.0
// Where things are on Nordic's nRF52840 DK (PCA10056). Source: nRF52840 DK Hardware User Guide
// v1.2, 5.4 (virtual COM port), 5.7 (buttons and LEDs).
#pragma once

#include "boards/chips/nrf52840/gpio.h"
#include "boards/chips/nrf52840/pdm.h"

namespace stapes {
namespace pins {

constexpr nrf52840::Pin kUartTransmit = {0, 6};  // to the debugger's USB serial port
constexpr nrf52840::Pin kUartReceive = {0, 8};
constexpr nrf52840::Pin kLed = {0, 13, false};  // LED 1
constexpr bool kHasButton = true;
constexpr nrf52840::Pin kButton = {0, 11, false};  // button 1

// A PDM microphone on the pins that Arduino calls SCL and SDA; the board itself has none.
constexpr nrf52840::Microphone kMicrophone = {{0, 27}, {0, 26}, {0, 0}, false};

}  // namespace pins
}  // namespace stapes

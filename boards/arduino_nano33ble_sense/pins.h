// SPDX-License-Identifier: Apache-2.0
// Where things are on Arduino's Nano 33 BLE Sense. Source: its schematics and pinout (ABX00031).
#pragma once

#include "boards/chips/nrf52840/gpio.h"
#include "boards/chips/nrf52840/pdm.h"

namespace stapes {
namespace pins {

constexpr nrf52840::Pin kUartTransmit = {1, 3};  // TX1 (D1)
constexpr nrf52840::Pin kUartReceive = {1, 10};  // RX0 (D0)
constexpr nrf52840::Pin kLed = {0, 13};          // the yellow LED (D13)
constexpr bool kHasButton = false;               // the only button on the board is the reset
constexpr nrf52840::Pin kButton = {0, 0};

// The MP34DT05 on the board, which P0.17 feeds.
constexpr nrf52840::Microphone kMicrophone = {{0, 26}, {0, 25}, {0, 17}, true};

}  // namespace pins
}  // namespace stapes

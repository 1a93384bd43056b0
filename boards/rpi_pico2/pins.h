// SPDX-License-Identifier: Apache-2.0
// Where things are on Raspberry Pi's Pico 2. Source: Raspberry Pi Pico 2 Datasheet, 2 and appendix
// B.
#pragma once

#include "boards/chips/rp2/gpio.h"
#include "boards/chips/rp2350/chip.h"

namespace stapes {
namespace pins {

constexpr rp2::Pin kUartTransmit = {0};  // GP0, pin 1 of the board
constexpr rp2::Pin kUartReceive = {1};   // GP1, pin 2
constexpr rp2::Pin kLed = {25};

// A PDM microphone; the board has none.
constexpr rp2::Pin kMicrophoneClock = {2};  // GP2, pin 4
constexpr rp2::Pin kMicrophoneData = {3};   // GP3, pin 5

}  // namespace pins
}  // namespace stapes

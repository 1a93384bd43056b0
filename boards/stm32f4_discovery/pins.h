// SPDX-License-Identifier: Apache-2.0
// Where things are on ST's STM32F4 Discovery. Source: UM1472, 6.3 to 6.5 and the schematics.
#pragma once

#include "boards/chips/stm32f407/gpio.h"

namespace stapes {
namespace pins {

constexpr stm32f407::Pin kUartTransmit = {0, 2};  // PA2
constexpr stm32f407::Pin kUartReceive = {0, 3};   // PA3
constexpr uint32_t kUartFunction = 7;             // USART2
constexpr stm32f407::Pin kLed = {3, 12};          // PD12, green
constexpr stm32f407::Pin kButton = {0, 0};        // PA0, blue, high when down

}  // namespace pins
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The serial port: USART2 by interrupts in both directions. Source: RM0090, 30.6.
#pragma once

#include <cstdint>

namespace stapes {
namespace stm32f407 {

constexpr uint32_t kUsartInterrupt = 38;  // USART2

// 115200 baud, 8 data bits, no parity, one stop bit, at an APB1 clock of `hertz`.
void StartUsart(uint32_t hertz);
void OnUsart();  // its interrupt
uint32_t LostBytes();

}  // namespace stm32f407
}  // namespace stapes

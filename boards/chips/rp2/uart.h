// SPDX-License-Identifier: Apache-2.0
// The serial port: UART0, an Arm PL011, by interrupts in both directions. Source: RP2040 Datasheet,
// 4.2.8.
#pragma once

#include <cstdint>

namespace stapes {
namespace rp2 {

// 115200 baud, 8 data bits, no parity, one stop bit.
void StartUart();
void OnUart();  // its interrupt
uint32_t LostBytes();

}  // namespace rp2
}  // namespace stapes

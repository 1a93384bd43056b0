// SPDX-License-Identifier: Apache-2.0
// The UART of the nRF51 (Reference Manual 3.0, chapter 29), behind two rings.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {
namespace nrf51 {

void StartUart();  // 115200 baud
void OnUart();     // its interrupt
std::size_t ReadUart(Span<uint8_t> bytes);
std::size_t WriteUart(Span<const uint8_t> bytes);
uint32_t LostBytes();

}  // namespace nrf51
}  // namespace stapes

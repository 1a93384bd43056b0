// SPDX-License-Identifier: Apache-2.0
// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected, check value 0x29B1.
#pragma once

#include <cstdint>

namespace stapes {

constexpr uint16_t kCrc16Start = 0xFFFF;

// The checksum of what `crc` covers followed by `byte`.
uint16_t Crc16Update(uint16_t crc, uint8_t byte);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// CRC-32 of IEEE 802.3, as zlib computes it: polynomial 0x04C11DB7 reflected; check value of
// "123456789": 0xCBF43926.
#pragma once

#include <cstdint>

#include "base/span.h"

namespace stapes {

// The checksum of what `crc` covers (0: nothing) followed by `bytes`.
uint32_t Crc32Update(uint32_t crc, Span<const uint8_t> bytes);

}  // namespace stapes

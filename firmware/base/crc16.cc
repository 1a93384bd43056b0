// SPDX-License-Identifier: Apache-2.0
#include "base/crc16.h"

namespace stapes {
namespace {

// Remainders of the 16 values of four bits: small, and twice as fast as bit by bit.
constexpr uint16_t kTable[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
                                 0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF};

constexpr uint16_t Step(uint32_t crc, uint32_t nibble) {
  return static_cast<uint16_t>((crc << 4) ^ kTable[(crc >> 12) ^ nibble]);
}

}  // namespace

uint16_t Crc16Update(uint16_t crc, uint8_t byte) { return Step(Step(crc, byte >> 4), byte & 0xFu); }

}  // namespace stapes

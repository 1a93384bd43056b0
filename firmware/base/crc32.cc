// SPDX-License-Identifier: Apache-2.0
#include "base/crc32.h"

namespace stapes {
namespace {

// Remainders of the 16 values of four bits.
constexpr uint32_t kTable[16] = {
    0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
    0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};

constexpr uint32_t Step(uint32_t crc, uint32_t nibble) {
  return (crc >> 4) ^ kTable[(crc ^ nibble) & 0xF];
}

}  // namespace

uint32_t Crc32Update(uint32_t crc, Span<const uint8_t> bytes) {
  crc = ~crc;
  for (const uint8_t byte : bytes) {
    crc = Step(Step(crc, byte), byte >> 4u);
  }
  return ~crc;
}

}  // namespace stapes

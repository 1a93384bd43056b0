// SPDX-License-Identifier: Apache-2.0
// Registers of an RP2040 or RP2350. The drivers of this folder serve both; what differs is in the
// chip.h of boards/chips/rp2040 and boards/chips/rp2350, which the board's pins.h includes. Source
// of everything in this folder: Raspberry Pi, RP2040 Datasheet, build of 2024.
#pragma once

#include <cstdint>

namespace stapes {
namespace rp2 {

class Peripheral {
 public:
  explicit constexpr Peripheral(uint32_t base) : base_(base) {}

  volatile uint32_t& At(uint32_t offset) const {
    return *reinterpret_cast<volatile uint32_t*>(base_ + offset);
  }
  // Set or clear bits by the register's aliases (2.1.2), which leave the other bits alone.
  void Set(uint32_t offset, uint32_t bits) const { At(offset + 0x2000) = bits; }
  void Clear(uint32_t offset, uint32_t bits) const { At(offset + 0x3000) = bits; }
  constexpr uint32_t AddressOf(uint32_t offset) const { return base_ + offset; }

 private:
  uint32_t base_;
};

inline uint32_t AddressOf(const volatile void* place) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(place));
}

}  // namespace rp2
}  // namespace stapes

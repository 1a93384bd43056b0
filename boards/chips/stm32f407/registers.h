// SPDX-License-Identifier: Apache-2.0
// Where an STM32F407's peripherals are. Source of everything in this folder: ST, RM0090 rev 19.
#pragma once

#include <cstdint>

namespace stapes {
namespace stm32f407 {

class Peripheral {
 public:
  explicit constexpr Peripheral(uint32_t base) : base_(base) {}

  volatile uint32_t& At(uint32_t offset) const {
    return *reinterpret_cast<volatile uint32_t*>(base_ + offset);
  }
  void Set(uint32_t offset, uint32_t bits) const { At(offset) = At(offset) | bits; }
  void Change(uint32_t offset, uint32_t mask, uint32_t bits) const {
    At(offset) = (At(offset) & ~mask) | bits;
  }
  constexpr uint32_t AddressOf(uint32_t offset) const { return base_ + offset; }

 private:
  uint32_t base_;
};

// 7.3, reset and clock control.
constexpr Peripheral kRcc(0x40023800);
constexpr uint32_t kAhb1Enable = 0x30;  // AHB1ENR
constexpr uint32_t kApb1Enable = 0x40;  // APB1ENR

inline uint32_t AddressOf(const volatile void* place) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(place));
}

}  // namespace stm32f407
}  // namespace stapes

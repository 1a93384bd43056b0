// SPDX-License-Identifier: Apache-2.0
// What all peripherals of an nRF52840 have in common. Source: nRF52840 Product Specification v1.1,
// 6.1 (tasks, events, shortcuts, interrupts).
#pragma once

#include <cstdint>

namespace stapes {
namespace nrf52840 {

// One peripheral: its registers by their offsets.
class Peripheral {
 public:
  explicit constexpr Peripheral(uint32_t base) : base_(base) {}

  volatile uint32_t& At(uint32_t offset) const {
    return *reinterpret_cast<volatile uint32_t*>(base_ + offset);
  }
  void Trigger(uint32_t task) const { At(task) = 1; }
  bool Happened(uint32_t event) const { return At(event) != 0; }

  // The write takes a few cycles to reach the peripheral; read back, so that an interrupt does not
  // come twice (6.1.8).
  void Clear(uint32_t event) const {
    At(event) = 0;
    [[maybe_unused]] const uint32_t landed = At(event);
  }
  constexpr uint32_t AddressOf(uint32_t offset) const { return base_ + offset; }

 private:
  uint32_t base_;
};

// The same place in every peripheral that has it.
constexpr uint32_t kShorts = 0x200;
constexpr uint32_t kInterruptSet = 0x304;
constexpr uint32_t kEnable = 0x500;

// What EasyDMA and PPI take for an address.
inline uint32_t AddressOf(const volatile void* place) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(place));
}

}  // namespace nrf52840
}  // namespace stapes

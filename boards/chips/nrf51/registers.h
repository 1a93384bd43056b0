// SPDX-License-Identifier: Apache-2.0
// Registers of the nRF51's peripherals are words at fixed offsets.
#pragma once

#include <cstdint>

namespace stapes {
namespace nrf51 {

inline volatile uint32_t& Register(uint32_t peripheral, uint32_t offset) {
  return *reinterpret_cast<volatile uint32_t*>(peripheral + offset);
}

constexpr uint32_t kInterruptSet = 0x304;  // INTENSET, the same for all

}  // namespace nrf51
}  // namespace stapes

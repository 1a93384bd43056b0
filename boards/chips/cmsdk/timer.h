// SPDX-License-Identifier: Apache-2.0
// The timer of Arm's Cortex-M System Design Kit (TRM r1p1, 4.1), counting down from 2^32 - 1.
#pragma once

#include <cstdint>

namespace stapes {
namespace cmsdk {

class Timer {
 public:
  constexpr explicit Timer(uint32_t address) : address_(address) {}

  void Start() {
    registers().reload = UINT32_MAX;
    registers().value = UINT32_MAX;
    registers().control = 1;
  }
  uint32_t Ticks() const { return UINT32_MAX - registers().value; }

 private:
  struct Registers {
    volatile uint32_t control;
    volatile uint32_t value;
    volatile uint32_t reload;
  };
  Registers& registers() const { return *reinterpret_cast<Registers*>(address_); }

  uint32_t address_;
};

}  // namespace cmsdk
}  // namespace stapes

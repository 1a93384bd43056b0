// SPDX-License-Identifier: Apache-2.0
// The watchdog of Arm's Cortex-M System Design Kit (TRM r1p1, 4.5). Its first timeout raises an
// NMI, whose handler keeps the reason and restarts the board; if the handler hangs as well, the
// second timeout resets the board.
#pragma once

#include <cstdint>

namespace stapes {
namespace cmsdk {

class Watchdog {
 public:
  constexpr explicit Watchdog(uint32_t address) : base_(address) {}

  // Starts it, or lets it count down from `ticks` again.
  void Feed(uint32_t ticks) {
    Register(kLock) = kUnlock;
    Register(kLoad) = ticks;
    Register(kControl) = 3;  // interrupt, reset
  }

 private:
  static constexpr uint32_t kLoad = 0x000;
  static constexpr uint32_t kControl = 0x008;
  static constexpr uint32_t kLock = 0xC00;
  static constexpr uint32_t kUnlock = 0x1ACCE551;

  volatile uint32_t& Register(uint32_t offset) {
    return *reinterpret_cast<volatile uint32_t*>(base_ + offset);
  }

  uint32_t base_;
};

}  // namespace cmsdk
}  // namespace stapes

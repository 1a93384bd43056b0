// SPDX-License-Identifier: Apache-2.0
// The UART of Arm's Cortex-M System Design Kit (TRM r1p1, 4.3), behind two rings.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "boards/board.h"
#include "boards/common/ring.h"
#include "link/protocol.h"

namespace stapes {
namespace cmsdk {

class Uart {
 public:
  void Start(uint32_t address, uint32_t clock_hertz, uint32_t baud);
  void OnInterrupt();  // of either direction: some versions of QEMU swap them
  std::size_t Read(Span<uint8_t> bytes) { return received_.Take(bytes); }
  std::size_t Write(Span<const uint8_t> bytes);
  uint32_t lost() const { return received_.lost(); }

 private:
  struct Registers {
    volatile uint32_t data;
    volatile uint32_t state;
    volatile uint32_t control;
    volatile uint32_t interrupt;  // says which is pending; a write clears it
    volatile uint32_t baud_divider;
  };
  void Receive();
  void Send();

  Registers& registers() const { return *reinterpret_cast<Registers*>(address_); }

  uint32_t address_ = 0;  // given by Start: an object of zeros takes no flash
  Ring<uint8_t, kReceiveBytes> received_;
  Ring<uint8_t, board::kTransmitBytes> to_send_;
};

}  // namespace cmsdk
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// A 16550 UART (Texas Instruments, TL16C550C, SLLS177I), whose registers are bytes, behind two
// rings.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "boards/board.h"
#include "boards/common/ring.h"
#include "link/protocol.h"

namespace stapes {
namespace riscv_virt {

class Uart {
 public:
  void Start(uint32_t address, uint32_t clock_hertz, uint32_t baud);
  void OnInterrupt();
  std::size_t Read(Span<uint8_t> bytes) { return received_.Take(bytes); }
  std::size_t Write(Span<const uint8_t> bytes);
  uint32_t lost() const { return received_.lost(); }

 private:
  uint8_t LineState();
  void Receive();
  void Send();

  volatile uint8_t& Register(uint32_t number) const {
    return *reinterpret_cast<volatile uint8_t*>(address_ + number);
  }

  uint32_t address_ = 0;  // given by Start: an object of zeros takes no flash
  Ring<uint8_t, kReceiveBytes> received_;
  Ring<uint8_t, board::kTransmitBytes> to_send_;
};

}  // namespace riscv_virt
}  // namespace stapes

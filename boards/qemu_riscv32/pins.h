// SPDX-License-Identifier: Apache-2.0
// Where things are on QEMU's machine `virt`. Source: QEMU 7.2, hw/riscv/virt.c (virt_memmap) and
// include/hw/riscv/virt.h (interrupts); hw/misc/sifive_test.c.
#pragma once

#include <cstdint>

namespace stapes {
namespace pins {

constexpr uint32_t kTestDevice = 0x00100000;  // restarts or ends the machine

constexpr uint32_t kTimer = 0x0200BFF8;         // of the CLINT: 64 bits, counts up
constexpr uint32_t kTimerCompare = 0x02004000;  // of the first processor
constexpr uint32_t kTimerHertz = 10000000;

constexpr uint32_t kInterruptController = 0x0C000000;  // PLIC

constexpr uint32_t kUart = 0x10000000;
constexpr uint32_t kUartInterrupt = 10;
constexpr uint32_t kUartHertz = 3686400;
constexpr uint32_t kBaud = 115200;

}  // namespace pins
}  // namespace stapes

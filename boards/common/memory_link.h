// SPDX-License-Identifier: Apache-2.0
// Bytes from the host through memory that an emulator shares with it: a way in beside the serial
// port, which an emulator moves byte by byte. Where nobody shares memory there is no mark in it,
// and nothing else of it is read. host/stapes/link/memory_link.py is the other side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

class MemoryLink {
 public:
  // `address`: where the shared memory is (STAPES_MEMORY_LINK); call it when the board starts.
  void Start(uint32_t address);

  // Copies the oldest bytes that fit and returns how many; 0 when none wait.
  std::size_t Read(Span<uint8_t> bytes);

 private:
  static constexpr uint32_t kMark[4] = {0x70617453, 0x6d207365, 0x726f6d65, 0x696c2079};
  static constexpr uint32_t kRingBytes = 32768;

  // Both indices count bytes in all, modulo 2^32; each side moves its own.
  struct Shared {
    volatile uint32_t mark[4];
    volatile uint32_t written;
    volatile uint32_t read;
    volatile uint8_t ring[kRingBytes];
  };

  Shared* shared_ = nullptr;
};

}  // namespace stapes

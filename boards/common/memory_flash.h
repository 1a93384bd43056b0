// SPDX-License-Identifier: Apache-2.0
// Plain memory that behaves as flash does: for emulated boards and for this machine.
#pragma once

#include "app/flash.h"

namespace stapes {

class MemoryFlash : public Flash {
 public:
  // `memory`: 16-byte aligned, an even number of pages.
  explicit MemoryFlash(Span<uint8_t> memory) : memory_(memory) {}

  Span<const uint8_t> bytes() const override { return memory_; }
  std::size_t page_bytes() const override { return 4096; }
  bool Erase(std::size_t page_offset) override;
  bool Write(std::size_t offset, Span<const uint8_t> bytes) override;

 private:
  Span<uint8_t> memory_;
};

}  // namespace stapes

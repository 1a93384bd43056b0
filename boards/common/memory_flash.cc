// SPDX-License-Identifier: Apache-2.0
#include "boards/common/memory_flash.h"

namespace stapes {

bool MemoryFlash::Erase(std::size_t page_offset) {
  for (volatile uint8_t& byte : Span<uint8_t>(memory_.data() + page_offset, page_bytes())) {
    byte = 0xFF;
  }
  return true;
}

// Like flash, a write only clears bits: writing to a place that was not erased shows.
bool MemoryFlash::Write(std::size_t offset, Span<const uint8_t> bytes) {
  volatile uint8_t* to = memory_.data() + offset;
  for (const uint8_t byte : bytes) {
    *to = static_cast<uint8_t>(*to & byte);
    ++to;
  }
  return true;
}

}  // namespace stapes

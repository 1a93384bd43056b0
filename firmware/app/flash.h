// SPDX-License-Identifier: Apache-2.0
// Memory that keeps models: read in place, erased by page, written once after each erasure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Offsets and sizes of writes are multiples of this.
constexpr std::size_t kFlashWriteBytes = 16;

class Flash {
 public:
  // All of it, 16-byte aligned; an even number of pages.
  virtual Span<const uint8_t> bytes() const = 0;
  virtual std::size_t page_bytes() const = 0;  // a multiple of kFlashWriteBytes
  // Both return when it is done, false when the memory refused. Erased bytes are 0xFF.
  virtual bool Erase(std::size_t page_offset) = 0;
  virtual bool Write(std::size_t offset, Span<const uint8_t> bytes) = 0;

 protected:
  ~Flash() = default;
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Memory with the alignment that models, arenas and work memories need.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/span.h"

namespace stapes {

class AlignedBytes {
 public:
  explicit AlignedBytes(std::size_t size) : blocks_(size / sizeof(Block) + 1), size_(size) {}
  uint8_t* data() { return reinterpret_cast<uint8_t*>(blocks_.data()); }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(blocks_.data()); }
  Span<uint8_t> span() { return {data(), size_}; }

 private:
  struct alignas(16) Block {
    uint8_t bytes[16];
  };
  std::vector<Block> blocks_;
  std::size_t size_;
};

inline AlignedBytes Copied(const nanobind::bytes& model) {
  AlignedBytes copy(model.size());
  if (model.size() != 0) {
    std::memcpy(copy.data(), model.data(), model.size());
  }
  return copy;
}

}  // namespace stapes

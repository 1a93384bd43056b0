// SPDX-License-Identifier: Apache-2.0
// A ring that a DMA channel fills block by block, and the program empties value by value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// kBlocks blocks of kBlockSize values, one of which the channel is always writing.
template <typename T, uint32_t kBlockSize, uint32_t kBlocks>
class DmaRing {
 public:
  static constexpr uint32_t kSize = kBlockSize * kBlocks;
  static_assert((kSize & (kSize - 1)) == 0, "positions wrap with the ring");
  static_assert(kBlocks >= 3, "one is written, one is next");

  // For the interrupt. Where block number `block` lies; blocks count from 0 and wrap with the ring.
  T* Block(uint32_t block) { return values_ + block % kBlocks * kBlockSize; }
  uint32_t blocks() const { return blocks_; }  // complete
  void BlockDone() { blocks_ = blocks_ + 1; }

  // For the program: the oldest values, in multiples of `unit`. What was overwritten before it was
  // read is lost and counted.
  std::size_t Take(Span<T> values, uint32_t unit = 1) {
    SkipOverwritten();
    const uint32_t ready = blocks_ * kBlockSize - read_;
    uint32_t count = static_cast<uint32_t>(values.size());
    count = (count < ready ? count : ready) / unit * unit;
    for (uint32_t i = 0; i < count; ++i) {
      values[i] = const_cast<const volatile T&>(values_[(read_ + i) % kSize]);
    }
    read_ += count;
    // The channel may have come round meanwhile.
    return SkipOverwritten() ? 0 : count;
  }
  uint32_t lost() const { return lost_; }

 private:
  bool SkipOverwritten() {
    const uint32_t oldest = (blocks_ - (kBlocks - 1)) * kBlockSize;
    const int32_t behind = static_cast<int32_t>(oldest - read_);
    if (behind <= 0) {
      return false;
    }
    lost_ += static_cast<uint32_t>(behind);
    read_ = oldest;
    return true;
  }

  alignas(4) T values_[kSize] = {};
  volatile uint32_t blocks_ = 0;  // modulo 2^32
  uint32_t read_ = 0;             // values, modulo 2^32
  uint32_t lost_ = 0;
};

}  // namespace stapes

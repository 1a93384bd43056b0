// SPDX-License-Identifier: Apache-2.0
// A ring between an interrupt and the program: one side writes, the other reads. Each side moves
// only its own index, so neither side has to lock the other out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

template <typename T, uint32_t kSize>
class Ring {
 public:
  static_assert(kSize > 0 && (kSize & (kSize - 1)) == 0, "indices wrap with the ring");

  bool empty() const { return written_ == read_; }
  bool full() const { return written_ - read_ == kSize; }
  uint32_t lost() const { return lost_; }

  // For the writer. A value that finds no room is lost and counted.
  bool Put(T value) {
    if (full()) {
      Lose(1);
      return false;
    }
    values_[written_ % kSize] = value;
    asm volatile("" ::: "memory");  // the value first, then the index that shows it
    written_ = written_ + 1;
    return true;
  }
  void Lose(uint32_t count) { lost_ = lost_ + count; }  // lost before they came here

  // For the reader: the oldest value of a ring that is not empty; or as many as there are and fit.
  T Take() {
    const T value = values_[read_ % kSize];
    asm volatile("" ::: "memory");
    read_ = read_ + 1;
    return value;
  }
  std::size_t Take(Span<T> values) {
    std::size_t count = 0;
    while (count < values.size() && !empty()) {
      values[count++] = Take();
    }
    return count;
  }

 private:
  T values_[kSize] = {};
  volatile uint32_t written_ = 0;  // in all, modulo 2^32
  volatile uint32_t read_ = 0;
  volatile uint32_t lost_ = 0;
};

}  // namespace stapes

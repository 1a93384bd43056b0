// SPDX-License-Identifier: Apache-2.0
// A view of a contiguous sequence: pointer and length, owning nothing.
#pragma once

#include <cstddef>

namespace stapes {

template <typename T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <std::size_t N>
  constexpr Span(T (&array)[N]) : data_(array), size_(N) {}  // NOLINT: implicit on purpose
  constexpr operator Span<const T>() const { return {data_, size_}; }

  constexpr T* data() const { return data_; }
  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }
  constexpr T& operator[](std::size_t index) const { return data_[index]; }
  constexpr Span First(std::size_t count) const { return {data_, count}; }
  constexpr Span Skip(std::size_t count) const { return {data_ + count, size_ - count}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace stapes

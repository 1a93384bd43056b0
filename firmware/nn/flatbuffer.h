// SPDX-License-Identifier: Apache-2.0
// Bounds-checked reading of a flatbuffer in place.
//
// Every access is checked against the buffer. One that reaches outside gives zero (or an empty
// vector) and marks the buffer as damaged for good, so that callers check once, after a batch of
// reads. Other reads give the same as before, so a check that passed once stays true. Loads are
// made byte by byte: any alignment will do.
//
// Source: FlatBuffers "Internals" (flatbuffers.dev/internals).
#pragma once

#include <cstdint>
#include <cstring>

#include "base/span.h"

namespace stapes {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "flatbuffers are little-endian");

class FlatBuffer {
 public:
  static constexpr uint32_t kMaxBytes = 0x7fffffff;

  // Larger files are damaged from the start: positions fit 31 bits.
  constexpr explicit FlatBuffer(Span<const uint8_t> bytes)
      : bytes_(bytes), damaged_(bytes.size() > kMaxBytes) {}
  constexpr FlatBuffer() = default;

  bool damaged() const { return damaged_; }
  Span<const uint8_t> bytes() const { return bytes_; }
  // Whether [position, position + count) lies inside; marks the buffer as damaged if not.
  bool Contains(uint32_t position, uint32_t count) const;
  // Position that the unsigned offset stored at `position` points to; 0 if outside.
  uint32_t Follow(uint32_t position) const;

  // Number of 1, 2 or 4 bytes, without sign.
  uint32_t Load(uint32_t position, uint32_t bytes) const;
  template <typename T>
  T Load(uint32_t position) const {
    static_assert(sizeof(T) <= sizeof(uint32_t), "longer numbers are read by halves");
    return static_cast<T>(Load(position, sizeof(T)));
  }

 private:
  Span<const uint8_t> bytes_;
  mutable bool damaged_ = false;
};

// A vector of scalars, of offsets to tables, or a string, of at most 2^28 elements. Empty when
// absent.
class FlatVector {
 public:
  FlatVector() = default;
  FlatVector(const FlatBuffer* buffer, uint32_t position, uint32_t element_bytes);

  uint32_t size() const { return size_; }
  uint32_t position() const { return first_; }  // of the first element
  Span<const uint8_t> bytes() const;            // of a vector of bytes
  template <typename T>
  T Get(uint32_t index) const {
    static_assert(sizeof(T) == sizeof(uint32_t), "longer numbers are read by halves");
    return static_cast<T>(Word(index, index));
  }
  // Half 0 (lower) or 1 of the 64-bit element `index`.
  uint32_t Half(uint32_t index, uint32_t half) const { return Word(index, 2 * index + half); }
  bool Equals(const char* text) const;  // for a vector of bytes

 private:
  uint32_t Word(uint32_t index, uint32_t word) const;  // 0 for an index beyond the end

  const FlatBuffer* buffer_ = nullptr;
  uint32_t first_ = 0;
  uint32_t size_ = 0;
};

// A table. Absent tables have no fields: every read gives the default.
class FlatTable {
 public:
  FlatTable() = default;
  FlatTable(const FlatBuffer* buffer, uint32_t position);

  bool exists() const { return position_ != 0; }
  bool Has(int field) const { return Field(field) != 0; }
  template <typename T>
  T Get(int field, T absent) const {
    static_assert(sizeof(T) <= sizeof(uint32_t), "longer numbers are read by halves");
    return static_cast<T>(Scalar(field, sizeof(T), static_cast<uint32_t>(absent)));
  }
  FlatTable Table(int field) const;
  FlatVector Vector(int field, uint32_t element_bytes) const;
  // Element `index` of a vector of tables.
  FlatTable TableAt(int field, uint32_t index) const;
  uint32_t TableCount(int field) const { return Vector(field, 4).size(); }

 private:
  uint32_t Field(int field) const;  // position, 0 when absent
  uint32_t Scalar(int field, uint32_t bytes, uint32_t absent) const;

  const FlatBuffer* buffer_ = nullptr;
  uint32_t position_ = 0;
};

}  // namespace stapes

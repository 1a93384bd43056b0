// SPDX-License-Identifier: Apache-2.0
#include "nn/flatbuffer.h"

namespace stapes {
namespace {
constexpr uint32_t kMaxBytes = FlatBuffer::kMaxBytes;
constexpr uint32_t kMaxElements = uint32_t{1} << 28;
constexpr uint32_t kVtableHeaderBytes = 4;
}  // namespace

bool FlatBuffer::Contains(uint32_t position, uint32_t count) const {
  const bool inside = position <= bytes_.size() && count <= bytes_.size() - position;
  damaged_ = damaged_ || !inside;
  return inside;
}

uint32_t FlatBuffer::Load(uint32_t position, uint32_t bytes) const {
  if (!Contains(position, bytes)) {
    return 0;
  }
  uint32_t value = 0;
  for (uint32_t i = bytes; i != 0; --i) {
    value = value << 8 | bytes_[position + i - 1];
  }
  return value;
}

uint32_t FlatBuffer::Follow(uint32_t position) const {
  const uint32_t offset = Load<uint32_t>(position);
  if (offset == 0 || offset > kMaxBytes || !Contains(position + offset, 4)) {
    damaged_ = true;
    return 0;
  }
  return position + offset;
}

FlatVector::FlatVector(const FlatBuffer* buffer, uint32_t position, uint32_t element_bytes)
    : buffer_(buffer) {
  const uint32_t count = buffer->Load<uint32_t>(position);
  // Counts whose bytes would overflow are damage as well.
  const uint32_t bytes = count > kMaxElements ? kMaxBytes : count * element_bytes;
  if (!buffer->Contains(position + 4, bytes)) {
    return;
  }
  first_ = position + 4;
  size_ = count;
}

uint32_t FlatVector::Word(uint32_t index, uint32_t word) const {
  return index < size_ ? buffer_->Load<uint32_t>(first_ + 4 * word) : 0;
}

Span<const uint8_t> FlatVector::bytes() const {
  if (size_ == 0) {
    return {};
  }
  return {buffer_->bytes().data() + first_, size_};
}

bool FlatVector::Equals(const char* text) const {
  const std::size_t length = std::strlen(text);
  return size_ == length && (length == 0 || std::memcmp(bytes().data(), text, length) == 0);
}

FlatTable::FlatTable(const FlatBuffer* buffer, uint32_t position) : buffer_(buffer) {
  // The vtable lies at a signed distance, before or after the table. Positions that wrap are far
  // outside.
  const uint32_t vtable = position - buffer->Load<uint32_t>(position);
  const uint32_t vtable_bytes = buffer->Load<uint16_t>(vtable);
  const uint32_t wanted = vtable_bytes < kVtableHeaderBytes ? kMaxBytes : vtable_bytes;
  if (buffer->Contains(vtable, wanted)) {
    position_ = position;
  }
}

uint32_t FlatTable::Field(int field) const {
  if (position_ == 0) {
    return 0;
  }
  const uint32_t vtable = position_ - buffer_->Load<uint32_t>(position_);
  const uint32_t entry = kVtableHeaderBytes + 2 * static_cast<uint32_t>(field);
  if (entry + 2 > buffer_->Load<uint16_t>(vtable)) {
    return 0;
  }
  const uint32_t offset = buffer_->Load<uint16_t>(vtable + entry);
  return offset == 0 ? 0 : position_ + offset;
}

uint32_t FlatTable::Scalar(int field, uint32_t bytes, uint32_t absent) const {
  const uint32_t position = Field(field);
  return position == 0 ? absent : buffer_->Load(position, bytes);
}

FlatTable FlatTable::Table(int field) const {
  const uint32_t position = Field(field);
  return position == 0 ? FlatTable() : FlatTable(buffer_, buffer_->Follow(position));
}

FlatVector FlatTable::Vector(int field, uint32_t element_bytes) const {
  const uint32_t position = Field(field);
  if (position == 0) {
    return {};
  }
  const uint32_t target = buffer_->Follow(position);
  return target == 0 ? FlatVector() : FlatVector(buffer_, target, element_bytes);
}

FlatTable FlatTable::TableAt(int field, uint32_t index) const {
  const FlatVector offsets = Vector(field, 4);
  if (index >= offsets.size()) {
    return {};
  }
  return {buffer_, buffer_->Follow(offsets.position() + 4 * index)};
}

}  // namespace stapes

#include "nn/flatbuffer.h"

namespace stapes {
namespace {
constexpr uint32_t kMaxBytes = FlatBuffer::kMaxBytes;
constexpr uint32_t kVtableHeaderBytes = 4;
}  // namespace

bool FlatBuffer::Contains(uint32_t position, uint32_t count) const {
  const bool inside = position <= bytes_.size() && count <= bytes_.size() - position;
  damaged_ = damaged_ || !inside;
  return inside;
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
    : buffer_(buffer), element_bytes_(element_bytes) {
  const uint32_t count = buffer->Load<uint32_t>(position);
  if (count > kMaxBytes / element_bytes || !buffer->Contains(position + 4, count * element_bytes)) {
    buffer->Contains(0xffffffff, 1);  // a count that overflows is damage as well
    return;
  }
  first_ = position + 4;
  size_ = count;
}

Span<const uint8_t> FlatVector::bytes() const {
  if (size_ == 0) return {};
  return {buffer_->bytes().data() + first_, std::size_t{size_} * element_bytes_};
}

bool FlatVector::Equals(const char* text) const {
  const std::size_t length = std::strlen(text);
  return size_ == length && (length == 0 || std::memcmp(bytes().data(), text, length) == 0);
}

FlatTable::FlatTable(const FlatBuffer* buffer, uint32_t position) : buffer_(buffer) {
  // The vtable lies at a signed distance, before or after the table.
  const int64_t vtable = int64_t{position} - buffer->Load<int32_t>(position);
  if (position == 0 || vtable < 0 || vtable > int64_t{kMaxBytes}) {
    buffer->Contains(0xffffffff, 1);
    return;
  }
  const uint32_t vtable_bytes = buffer->Load<uint16_t>(static_cast<uint32_t>(vtable));
  if (vtable_bytes < kVtableHeaderBytes ||
      !buffer->Contains(static_cast<uint32_t>(vtable), vtable_bytes)) {
    buffer->Contains(0xffffffff, 1);
    return;
  }
  position_ = position;
  vtable_ = static_cast<uint32_t>(vtable);
  vtable_bytes_ = vtable_bytes;
}

uint32_t FlatTable::Field(int field) const {
  const uint32_t entry = kVtableHeaderBytes + 2 * static_cast<uint32_t>(field);
  if (entry + 2 > vtable_bytes_) return 0;
  const uint32_t offset = buffer_->Load<uint16_t>(vtable_ + entry);
  return offset == 0 ? 0 : position_ + offset;
}

FlatTable FlatTable::Table(int field) const {
  const uint32_t position = Field(field);
  return position == 0 ? FlatTable() : FlatTable(buffer_, buffer_->Follow(position));
}

FlatVector FlatTable::Vector(int field, uint32_t element_bytes) const {
  const uint32_t position = Field(field);
  if (position == 0) return {};
  const uint32_t target = buffer_->Follow(position);
  return target == 0 ? FlatVector() : FlatVector(buffer_, target, element_bytes);
}

FlatTable FlatTable::TableAt(int field, uint32_t index) const {
  const FlatVector offsets = Vector(field, 4);
  if (index >= offsets.size()) return {};
  return {buffer_, buffer_->Follow(offsets.position() + 4 * index)};
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "app/model_slots.h"

#include "base/crc32.h"
#include "base/little_endian.h"

namespace stapes {
namespace {

constexpr uint32_t kRecordMagic = 0x31545053;  // "SPT1"

}  // namespace

int ModelSlots::Choose(uint32_t allowed, bool (ModelSlots::*counts)(int) const) const {
  int newest = kNone;
  for (int slot = 0; slot < kCount; ++slot) {
    if ((allowed >> slot & 1) == 0 || !(this->*counts)(slot)) {
      continue;
    }
    // Generations wrap: the difference counts.
    if (newest == kNone ||
        static_cast<int32_t>(Read(slot, kGeneration) - Read(newest, kGeneration)) > 0) {
      newest = slot;
    }
  }
  return newest;
}

Span<const uint8_t> ModelSlots::Image(int slot) const {
  return flash_.bytes().Skip(Start(slot) + kRecordBytes).First(Read(slot, kImageBytes));
}

Span<const uint8_t> ModelSlots::Written() const {
  const std::size_t size = written_ < image_bytes_ ? written_ : image_bytes_;
  return flash_.bytes().Skip(Start(target_) + kRecordBytes).First(size);
}

bool ModelSlots::Begin(int keep, std::size_t image_bytes) {
  if (keep == kNone) {
    keep = NewestVersion();  // or any host could make the board forget that version
  }
  target_ = keep == 0 ? 1 : 0;
  image_bytes_ = image_bytes;
  written_ = 0;
  erased_ = flash_.page_bytes();
  return flash_.Erase(Start(target_));
}

bool ModelSlots::Append(Span<const uint8_t> bytes) {
  const std::size_t at = kRecordBytes + written_;
  if (target_ == kNone || at + bytes.size() > slot_bytes()) {
    return false;
  }
  for (; erased_ < at + bytes.size(); erased_ += flash_.page_bytes()) {
    if (!flash_.Erase(Start(target_) + erased_)) {
      return false;
    }
  }
  if (!flash_.Write(Start(target_) + at, bytes)) {
    return false;
  }
  written_ += bytes.size();
  return true;
}

bool ModelSlots::Commit(uint32_t version) {
  const int other = 1 - target_;  // the target's own record is erased
  const uint32_t generation = HasRecord(other) ? Read(other, kGeneration) + 1 : 0;
  uint32_t words[kWords] = {};
  words[kMagic] = kRecordMagic;
  words[kGeneration] = generation;
  words[kImageBytes] = static_cast<uint32_t>(image_bytes_);
  words[kImageCrc] = Crc32Update(0, Written());
  words[kBase] = base_;
  words[kVersion] = version;
  uint8_t record[kRecordBytes];
  for (std::size_t i = 0; i < kWords - 1; ++i) {
    StoreU32(words[i], record + 4 * i);
  }
  StoreU32(Crc32Update(0, {record, kRecordBytes - 4}), record + kRecordBytes - 4);
  return flash_.Write(Start(target_), record) && IsGood(target_);
}

uint32_t ModelSlots::version() const {
  const int slot = NewestVersion();
  return slot == kNone ? 0 : Read(slot, kVersion);
}

int ModelSlots::NewestVersion() const {
  int newest = kNone;
  for (int slot = 0; slot < kCount; ++slot) {
    if (HasRecord(slot) && (newest == kNone || Read(slot, kVersion) > Read(newest, kVersion))) {
      newest = slot;
    }
  }
  return newest;
}

uint32_t ModelSlots::Read(int slot, Word word) const {
  return LoadU32(flash_.bytes().data() + Start(slot) + 4 * static_cast<std::size_t>(word));
}

bool ModelSlots::HasRecord(int slot) const {
  const Span<const uint8_t> record = flash_.bytes().Skip(Start(slot)).First(kRecordBytes - 4);
  return Read(slot, kMagic) == kRecordMagic && Crc32Update(0, record) == Read(slot, kRecordCrc);
}

bool ModelSlots::IsKnown(int slot) const {
  return HasRecord(slot) && Read(slot, kBase) == base_ && Read(slot, kImageBytes) <= capacity();
}

bool ModelSlots::IsGood(int slot) const {
  return IsKnown(slot) && Crc32Update(0, Image(slot)) == Read(slot, kImageCrc);
}

}  // namespace stapes

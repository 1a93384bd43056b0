// SPDX-License-Identifier: Apache-2.0
// Two places for a model in flash, and which of them counts. When power goes during a write, the
// model that counted before it still counts.
//
// A slot is half of the flash: 32 bytes of commit record, then the image. Beginning to write erases
// the record first; the record is written last, in one piece and with its own checksum. Of two
// committed slots the one with the newer generation counts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/flash.h"
#include "base/span.h"

namespace stapes {

class ModelSlots {
 public:
  static constexpr int kNone = -1;
  static constexpr int kCount = 2;
  static constexpr std::size_t kRecordBytes = 32;

  // `base` names the firmware: slots that another one committed do not count.
  ModelSlots(Flash& flash, uint32_t base) : flash_(flash), base_(base) {}

  // Bytes of the largest image.
  std::size_t capacity() const { return slot_bytes() - kRecordBytes; }

  // The slot with the newest good commit among those whose bit is in `allowed`, or kNone. Reads the
  // whole image: a damaged one does not count.
  int Newest(uint32_t allowed) const { return Choose(allowed, &ModelSlots::IsGood); }

  // The same without a look at the images. If it returns another slot than Newest, the image of
  // that other slot is damaged.
  int NewestRecord(uint32_t allowed) const { return Choose(allowed, &ModelSlots::IsKnown); }

  // Whether this firmware committed the slot, and its image is undamaged. Reads all of it.
  bool IsGood(int slot) const;

  // The image of a committed slot; empty when it was committed as "none: the built-in model".
  Span<const uint8_t> Image(int slot) const;

  // The image that has been written so far, before its commit.
  Span<const uint8_t> Written() const;

  // Begins an image of `image_bytes`, at most capacity(), in the slot that is not `keep`. For
  // kNone: in the slot that does not hold the newest version.
  bool Begin(int keep, std::size_t image_bytes);

  // Appends a multiple of kFlashWriteBytes; the last piece may be filled up with anything.
  bool Append(Span<const uint8_t> bytes);

  // Makes the begun slot count from now on, as that of a model of this version.
  bool Commit(uint32_t version);

  // The newest version that was committed, 0 for none; also by another firmware, so that no
  // firmware takes an older model.
  uint32_t version() const;

  int target() const { return target_; }
  std::size_t written() const { return written_; }

 private:
  // Words of the commit record.
  enum Word { kMagic, kGeneration, kImageBytes, kImageCrc, kBase, kVersion, kUnused, kRecordCrc };
  static constexpr std::size_t kWords = kRecordBytes / sizeof(uint32_t);

  std::size_t slot_bytes() const { return flash_.bytes().size() / kCount; }
  std::size_t Start(int slot) const { return static_cast<std::size_t>(slot) * slot_bytes(); }
  uint32_t Read(int slot, Word word) const;
  int NewestVersion() const;
  bool HasRecord(int slot) const;
  bool IsKnown(int slot) const;  // committed by this firmware
  int Choose(uint32_t allowed, bool (ModelSlots::*counts)(int) const) const;

  Flash& flash_;
  uint32_t base_;
  int target_ = kNone;
  std::size_t image_bytes_ = 0;
  std::size_t written_ = 0;
  std::size_t erased_ = 0;  // bytes of the target slot, from its start
};

}  // namespace stapes

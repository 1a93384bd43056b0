// SPDX-License-Identifier: Apache-2.0
// Two slots and a commit record: wherever the power goes, the old model or the new one counts.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "app/model_slots.h"
#include "base/crc32.h"

namespace stapes {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::size_t kFlashBytes = 2 * 4 * kPage;
constexpr uint32_t kBase = 7;

// Flash whose power goes after `energy` bytes erased or written; what it was doing is half done.
class DyingFlash : public Flash {
 public:
  Span<const uint8_t> bytes() const override { return memory; }
  std::size_t page_bytes() const override { return kPage; }

  bool Erase(std::size_t offset) override {
    for (std::size_t i = 0; i < kPage; ++i) {
      if (energy == 0) {
        return false;
      }
      --energy;
      memory[offset + i] = 0xFF;
    }
    return true;
  }

  bool Write(std::size_t offset, Span<const uint8_t> data) override {
    CHECK(offset % kFlashWriteBytes == 0);
    CHECK(data.size() % kFlashWriteBytes == 0);
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (energy == 0) {
        return false;
      }
      --energy;
      memory[offset + i] = static_cast<uint8_t>(memory[offset + i] & data[i]);
    }
    return true;
  }

  uint8_t memory[kFlashBytes] = {};
  std::size_t energy = SIZE_MAX;
};

std::vector<uint8_t> Image(uint8_t fill, std::size_t size) {
  std::vector<uint8_t> image(size);
  for (std::size_t i = 0; i < size; ++i) {
    image[i] = static_cast<uint8_t>(fill + i * 3);
  }
  return image;
}

// All the steps of an update, as far as the power lasts.
bool Load(Flash& flash, const std::vector<uint8_t>& image, uint32_t version = 0,
          uint32_t base = kBase) {
  ModelSlots slots(flash, base);
  if (!slots.Begin(slots.Newest(3), image.size())) {
    return false;
  }
  std::vector<uint8_t> padded = image;
  padded.resize((image.size() + 15) / 16 * 16);
  for (std::size_t at = 0; at < padded.size(); at += 48) {
    const std::size_t count = padded.size() - at < 48 ? padded.size() - at : 48;
    if (!slots.Append({padded.data() + at, count})) {
      return false;
    }
  }
  return slots.Commit(version);
}

std::vector<uint8_t> Counts(Flash& flash, uint32_t base = kBase) {
  const ModelSlots slots(flash, base);
  const int slot = slots.Newest(3);
  if (slot == ModelSlots::kNone) {
    return {};
  }
  const Span<const uint8_t> image = slots.Image(slot);
  return {image.begin(), image.end()};
}

TEST_CASE("the checksum of images is that of zlib") {
  const std::string digits = "123456789";
  const auto* bytes = reinterpret_cast<const uint8_t*>(digits.data());
  CHECK(Crc32Update(0, {bytes, 9}) == 0xCBF43926);
  CHECK(Crc32Update(Crc32Update(0, {bytes, 4}), {bytes + 4, 5}) == 0xCBF43926);
}

TEST_CASE("memory that was never written holds no model, whatever is in it") {
  for (const int fill : {0x00, 0xFF, 0x5A}) {
    DyingFlash flash;
    for (uint8_t& byte : flash.memory) {
      byte = static_cast<uint8_t>(fill);
    }
    CHECK(Counts(flash).empty());
  }
}

TEST_CASE("the newest of many models counts, each in the other slot") {
  DyingFlash flash;
  for (uint8_t i = 1; i < 20; ++i) {
    const std::vector<uint8_t> image = Image(i, 37u * i);
    REQUIRE(Load(flash, image));
    CHECK(Counts(flash) == image);
    CHECK(ModelSlots(flash, kBase).Newest(3) == 1 - i % 2);
  }
}

TEST_CASE("an image may fill its slot to the last byte, not more") {
  DyingFlash flash;
  const std::size_t capacity = ModelSlots(flash, kBase).capacity();
  CHECK(capacity == kFlashBytes / 2 - ModelSlots::kRecordBytes);
  REQUIRE(Load(flash, Image(1, capacity)));
  REQUIRE(Load(flash, Image(2, capacity)));
  CHECK(Counts(flash) == Image(2, capacity));
  CHECK_FALSE(Load(flash, Image(3, capacity + 1)));
  CHECK(Counts(flash) == Image(2, capacity));
}

TEST_CASE("models that another firmware has committed do not count") {
  DyingFlash flash;
  REQUIRE(Load(flash, Image(1, 500)));
  CHECK(Counts(flash, kBase + 1).empty());
}

TEST_CASE("an image that has rotted does not count: the one before it does") {
  DyingFlash flash;
  REQUIRE(Load(flash, Image(1, 500)));
  REQUIRE(Load(flash, Image(2, 500)));
  flash.memory[kFlashBytes / 2 + 100] ^= 4;
  CHECK(Counts(flash) == Image(1, 500));
}

TEST_CASE("the newest record names the slot whose image has rotted, not one that was cut short") {
  DyingFlash flash;
  REQUIRE(Load(flash, Image(1, 500)));
  REQUIRE(Load(flash, Image(2, 500)));
  const ModelSlots slots(flash, kBase);
  CHECK(slots.NewestRecord(3) == 1);
  flash.memory[kFlashBytes / 2 + 100] ^= 4;
  CHECK(slots.NewestRecord(3) == 1);
  CHECK(slots.Newest(3) == 0);
  flash.energy = 600;
  CHECK_FALSE(Load(flash, Image(3, 500)));
  CHECK(slots.NewestRecord(3) == slots.Newest(3));
  CHECK(ModelSlots(flash, kBase + 1).NewestRecord(3) == ModelSlots::kNone);
}

TEST_CASE("a slot may be committed as holding no model") {
  DyingFlash flash;
  REQUIRE(Load(flash, Image(1, 500)));
  REQUIRE(Load(flash, {}));
  const ModelSlots slots(flash, kBase);
  CHECK(slots.Newest(3) == 1);
  CHECK(slots.Image(1).empty());
}

TEST_CASE("the newest version is remembered, whatever firmware and load come later") {
  for (const uint32_t loads : {2u, 3u}) {  // the newest is in the second slot, in the first
    DyingFlash flash;
    CHECK(ModelSlots(flash, kBase).version() == 0);
    for (uint32_t version = 1; version <= loads; ++version) {
      REQUIRE(Load(flash, Image(1, 300), version));
      CHECK(ModelSlots(flash, kBase).version() == version);
    }
    for (int i = 0; i < 3; ++i) {
      ModelSlots other(flash, kBase + 1);  // to which none of them counts
      CHECK(other.version() == loads);
      CHECK(other.Begin(ModelSlots::kNone, 100));  // and which never finishes
      CHECK(other.version() == loads);
    }
  }
}

TEST_CASE("power lost after any byte leaves the old model or the whole new one, and room for it") {
  const std::vector<uint8_t> old_image = Image(1, 700);
  const std::vector<uint8_t> new_image = Image(2, 613);
  DyingFlash first;
  REQUIRE(Load(first, Image(9, 900)));
  REQUIRE(Load(first, old_image));
  int kept = 0;
  int replaced = 0;
  for (std::size_t energy = 0; replaced == 0; ++energy) {
    DyingFlash flash = first;
    flash.energy = energy;
    const bool done = Load(flash, new_image);
    flash.energy = SIZE_MAX;  // on again
    const std::vector<uint8_t> counts = Counts(flash);
    REQUIRE((counts == old_image || counts == new_image));
    REQUIRE((!done || counts == new_image));
    REQUIRE(counts.size() == (done ? new_image.size() : old_image.size()));
    kept += counts == old_image;
    replaced += counts == new_image;
    REQUIRE(Load(flash, Image(3, 800)));
    REQUIRE(Counts(flash) == Image(3, 800));
  }
  CHECK(kept > 1300);  // 613 bytes and a record into three erased pages
}

}  // namespace
}  // namespace stapes

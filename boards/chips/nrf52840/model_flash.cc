// SPDX-License-Identifier: Apache-2.0
// The last 256 KB of the nRF52840's flash as two slots for models.
// Source: nRF52840 Product Specification v1.1, 4.3 (NVMC): pages of 4 KB, written by words; the
// processor stands still meanwhile, 85 ms for a page, as its program lies in the same flash.
#include "boards/common/model_flash.h"

#include "base/little_endian.h"
#include "boards/chips/nrf52840/registers.h"

namespace stapes {
namespace {

constexpr uint32_t kStart = 0x000C0000;  // to the end; STAPES_MODEL_FLASH_BYTES of board.cmake
constexpr std::size_t kBytes = 0x40000;
constexpr std::size_t kPageBytes = 4096;

constexpr nrf52840::Peripheral kController(0x4001E000);
constexpr uint32_t kReady = 0x400;
constexpr uint32_t kConfig = 0x504;
constexpr uint32_t kReadOnly = 0;  // of kConfig
constexpr uint32_t kMayWrite = 1;
constexpr uint32_t kMayErase = 2;
constexpr uint32_t kErasePage = 0x508;

void Wait() {
  while (kController.At(kReady) == 0) {
  }
}

volatile uint32_t& WordAt(std::size_t offset) {
  return *reinterpret_cast<volatile uint32_t*>(kStart + offset);
}

class Nvmc : public Flash {
 public:
  Span<const uint8_t> bytes() const override {
    return {reinterpret_cast<const uint8_t*>(kStart), kBytes};
  }
  std::size_t page_bytes() const override { return kPageBytes; }

  bool Erase(std::size_t page_offset) override {
    kController.At(kConfig) = kMayErase;
    kController.At(kErasePage) = static_cast<uint32_t>(kStart + page_offset);
    Wait();
    kController.At(kConfig) = kReadOnly;
    bool erased = true;
    for (std::size_t i = 0; i < kPageBytes; i += sizeof(uint32_t)) {
      erased = erased && WordAt(page_offset + i) == UINT32_MAX;
    }
    return erased;
  }

  bool Write(std::size_t offset, Span<const uint8_t> data) override {
    kController.At(kConfig) = kMayWrite;
    for (std::size_t i = 0; i < data.size(); i += sizeof(uint32_t)) {
      WordAt(offset + i) = LoadU32(data.data() + i);
      Wait();
    }
    kController.At(kConfig) = kReadOnly;
    bool written = true;
    for (std::size_t i = 0; i < data.size(); i += sizeof(uint32_t)) {
      written = written && WordAt(offset + i) == LoadU32(data.data() + i);
    }
    return written;
  }
};

}  // namespace

Flash* board::ModelFlash() {
  static Nvmc flash;
  return &flash;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The block that the boot ROM looks for in the first 4 KB of the flash; without it nothing starts.
// It says that this is a program for the Arm processors of an RP2350 in secure state. The program
// begins with its vectors: the boot ROM takes stack and entry from them. Source: RP2350 Datasheet,
// 5.9 (blocks), 5.9.3 (image definitions), 5.9.5 (the smallest one).
#include <cstdint>

namespace stapes {
namespace {

constexpr uint32_t kStart = 0xFFFFDED3, kEnd = 0xAB123579;
constexpr uint32_t kProgramForRp2350 = 0x1021;  // secure, Arm
constexpr uint32_t kImageType = 0x42 | 1 << 8 | kProgramForRp2350 << 16;
constexpr uint32_t kLast = 0xFF | 1 << 8;  // after one word of items
constexpr uint32_t kNoOther = 0;           // the next block of the ring is this one

[[gnu::section(".vectors.image_definition"), gnu::used]] constexpr uint32_t kImageDefinition[] = {
    kStart, kImageType, kLast, kNoOther, kEnd};

}  // namespace
}  // namespace stapes

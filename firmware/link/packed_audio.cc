// SPDX-License-Identifier: Apache-2.0
#include "link/packed_audio.h"

namespace stapes {
namespace {

constexpr uint32_t kEscape = 16;  // ones
constexpr uint32_t kEscapedBits = 16;

}  // namespace

PackedAudio::PackedAudio(Span<const uint8_t> payload)
    : bytes_(payload.Skip(kHeaderBytes)),
      left_(payload[1] + 1u),
      order_(payload[0] >> 4),
      parameter_(payload[0] & 0xFu) {}

std::size_t PackedAudio::Read(Span<int16_t> samples) {
  std::size_t count = 0;
  for (; count < samples.size() && left_ > 0; --left_) {
    const uint32_t folded = Folded();
    const uint32_t difference = (folded >> 1) ^ (0u - (folded & 1));
    const int16_t sample = static_cast<int16_t>(static_cast<uint32_t>(Predicted()) + difference);
    before_last_ = last_;
    last_ = sample;
    samples[count++] = sample;
  }
  return count;
}

int32_t PackedAudio::Predicted() const {
  return order_ == 0 ? 0 : order_ == 1 ? last_ : 2 * last_ - before_last_;
}

uint32_t PackedAudio::Folded() {
  uint32_t quotient = 0;
  while (quotient < kEscape && Bits(1) != 0) {
    ++quotient;
  }
  return quotient == kEscape ? Bits(kEscapedBits) : (quotient << parameter_) | Bits(parameter_);
}

uint32_t PackedAudio::Bits(uint32_t count) {
  uint32_t value = 0;
  for (; count > 0; --count, ++bit_) {
    const std::size_t at = bit_ / 8;
    const uint32_t byte = at < bytes_.size() ? bytes_[at] : 0u;
    value = value << 1 | (byte >> (7 - bit_ % 8) & 1u);
  }
  return value;
}

}  // namespace stapes

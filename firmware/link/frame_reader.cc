// SPDX-License-Identifier: Apache-2.0
#include "link/frame_reader.h"

#include "base/crc16.h"

namespace stapes {
namespace {

constexpr uint8_t kFullGroup = 0xFF;  // 254 bytes that no zero follows

uint16_t Checksum(const uint8_t* bytes, std::size_t size) {
  uint16_t crc = kCrc16Start;
  for (std::size_t i = 0; i < size; ++i) {
    crc = Crc16Update(crc, bytes[i]);
  }
  return crc;
}

}  // namespace

bool FrameReader::Push(uint8_t byte) {
  if (finished_) {
    size_ = 0;
    group_code_ = 0;
    group_left_ = 0;
    too_long_ = false;
    finished_ = false;
  }
  if (byte != 0) {
    Decode(byte);
    return false;
  }
  finished_ = true;
  return group_code_ != 0 && Finish();  // zero bytes in a row are idle time
}

void FrameReader::Decode(uint8_t byte) {
  if (group_left_ > 0) {
    Append(byte);
    --group_left_;
    return;
  }
  if (group_code_ != 0 && group_code_ != kFullGroup) {
    Append(0);
  }
  group_code_ = byte;
  group_left_ = static_cast<uint8_t>(byte - 1);
}

void FrameReader::Append(uint8_t byte) {
  if (size_ == kMaxFrameBytes) {
    too_long_ = true;
    return;
  }
  frame_[size_++] = byte;
}

bool FrameReader::Finish() {
  if (too_long_) {
    ++errors_.length;
    return false;
  }
  if (group_left_ != 0) {
    ++errors_.framing;
    return false;
  }
  if (size_ < kFrameHeaderBytes + kFrameCrcBytes) {
    ++errors_.length;
    return false;
  }
  const std::size_t body = size_ - kFrameCrcBytes;
  const uint32_t sent = frame_[body] | (static_cast<uint32_t>(frame_[body + 1]) << 8);
  if (Checksum(frame_, body) != sent) {
    ++errors_.checksum;
    return false;
  }
  return true;
}

}  // namespace stapes

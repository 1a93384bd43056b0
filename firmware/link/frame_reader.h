// SPDX-License-Identifier: Apache-2.0
// Finds the frames in the bytes that come from the host. Any bytes may come: what is not a whole,
// undamaged frame is counted and left out, and the next zero byte starts afresh.
//
// Framing: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", 1999.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"
#include "link/protocol.h"

namespace stapes {

// Frames that were left out, by reason.
struct FrameErrors {
  uint32_t framing = 0;   // COBS does not add up: bytes are missing or damaged
  uint32_t length = 0;    // shorter than header and CRC, or longer than kMaxFrameBytes
  uint32_t checksum = 0;  // CRC-16 differs

  uint32_t Total() const { return framing + length + checksum; }
};

class FrameReader {
 public:
  // Takes one byte; true when it completes a good frame, which stays until the next call.
  bool Push(uint8_t byte);

  // Of the frame that Push has just completed. The type may be one that nobody knows.
  FrameType type() const { return static_cast<FrameType>(frame_[0]); }
  uint8_t sequence() const { return frame_[1]; }
  Span<const uint8_t> payload() const {
    return {frame_ + kFrameHeaderBytes, size_ - kFrameHeaderBytes - kFrameCrcBytes};
  }
  const FrameErrors& errors() const { return errors_; }

 private:
  void Decode(uint8_t byte);
  void Append(uint8_t byte);
  bool Finish();

  uint8_t frame_[kMaxFrameBytes] = {};
  std::size_t size_ = 0;
  uint8_t group_code_ = 0;  // 0: no byte since the last zero byte
  uint8_t group_left_ = 0;  // bytes until the next group code
  bool too_long_ = false;
  bool finished_ = true;  // the next byte starts a frame
  FrameErrors errors_;
};

}  // namespace stapes

// Constants of the serial link; docs/protocol.md describes it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {

constexpr uint32_t kProtocolVersion = 1;

// What the host may ask for. A frame is type, sequence number, payload, CRC-16 (low byte first);
// then COBS, then a zero byte.
enum class FrameType : uint8_t {
  kHello = 1,   // say who you are
  kReset = 2,   // forget all audio; the stream starts again at sequence number 0
  kScores = 3,  // payload: one byte, 1 to send the scores of every frame, 0 to stop
  kStats = 4,   // say how it goes
  kAudio = 5,   // stream: int16 samples, low byte first
  kEnd = 6,     // stream: no more audio
};

constexpr std::size_t kFrameHeaderBytes = 2;
constexpr std::size_t kFrameCrcBytes = 2;
constexpr std::size_t kMaxPayloadBytes = 256;
constexpr std::size_t kMaxFrameBytes = kFrameHeaderBytes + kMaxPayloadBytes + kFrameCrcBytes;

// Stream frames that the host may send before the first of them is acknowledged.
constexpr uint32_t kAudioCredits = 3;

// COBS adds one byte for each 254 begun, and the zero byte follows.
constexpr std::size_t kMaxEncodedFrameBytes = kMaxFrameBytes + (kMaxFrameBytes + 253) / 254 + 1;

// Bytes that a board must be able to receive while it computes: all credits, and a command or two.
constexpr std::size_t kReceiveBytes = 1024;
static_assert(kReceiveBytes >= kAudioCredits * kMaxEncodedFrameBytes + 128,
              "a host that keeps to its credits must not overrun the board");

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Constants of the serial link; docs/protocol.md describes it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {

constexpr uint32_t kProtocolVersion = 1;

// What the host may ask for. A frame is type, sequence number, payload, CRC-16 (low byte first);
// then COBS, then a zero byte.
enum class FrameType : uint8_t {
  kHello = 1,         // say who you are
  kReset = 2,         // forget all audio; the stream starts again at sequence number 0
  kScores = 3,        // payload: one byte, 1 to send the scores of every frame, 0 to stop
  kStats = 4,         // say how it goes
  kAudio = 5,         // stream: int16 samples, low byte first
  kEnd = 6,           // stream: no more audio
  kThreshold = 7,     // payload: label index, uint16; threshold, uint32 Q16; of the wake word's
                      // model: a byte more, 1
  kDecoder = 8,       // payload: averaging window, suppression (uint32, ms); minimum count, uint16;
                      // all bits set: as it is
  kResetDecoder = 9,  // forget the scores and what was detected, not the audio
  kListen = 10,       // payload: bytes of audio lines a second, uint32: 0 none, 2^32 - 1 all
  kModelBegin = 11,   // payload: bytes of the image, its CRC-32, uint32 each
  kModelData = 12,    // payload: offset, uint32; bytes, a multiple of 16
  kModelCommit = 13,  // payload: CRC-32 of the image, uint32
  kModelBuiltIn = 14,  // back to the compiled-in model
  kPackedAudio = 15,   // stream: samples in fewer bytes (packed_audio.h)
  kAwake = 16,         // payload: milliseconds that the model listens after a wake word, uint32
  kGate = 17,          // payload: threshold of the silence gate, uint32 Q16 of log2; 0: always open
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

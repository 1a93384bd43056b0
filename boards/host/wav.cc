// SPDX-License-Identifier: Apache-2.0
#include "boards/host/wav.h"

#include <cstring>

namespace stapes {
namespace {

constexpr uint32_t kPcm = 1;
constexpr uint32_t kExtensible = 0xFFFE;
constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::size_t kChunkHeaderBytes = 8;
// The sub-format of WAVE_FORMAT_EXTENSIBLE is the plain format code followed by these bytes.
constexpr uint8_t kGuidTail[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};

uint32_t Read16(const uint8_t* bytes) { return bytes[0] | (static_cast<uint32_t>(bytes[1]) << 8); }
uint32_t Read32(const uint8_t* bytes) { return Read16(bytes) | (Read16(bytes + 2) << 16); }
bool Is(const uint8_t* bytes, const char* name) { return std::memcmp(bytes, name, 4) == 0; }

std::string Convert(uint32_t sample_rate) {
  return "; convert it with: sox IN.wav -b 16 -c 1 -r " + std::to_string(sample_rate) + " OUT.wav";
}

std::string CutShort(uint64_t found, uint64_t promised, const char* what) {
  return "cut short, or its header is wrong: found " + std::to_string(found) + " bytes of " + what +
         ", expected " + std::to_string(promised) + "; copy or record it again";
}

std::string CheckFormat(Span<const uint8_t> body, uint32_t sample_rate) {
  if (body.size() < 16) {
    return CutShort(body.size(), 16, "format");
  }
  const uint8_t* format = body.data();
  uint32_t code = Read16(format);
  const uint32_t channels = Read16(format + 2);
  const uint32_t rate = Read32(format + 4);
  const uint32_t bits = Read16(format + 14);
  if (code == kExtensible && body.size() >= 40 &&
      std::memcmp(format + 26, kGuidTail, sizeof kGuidTail) == 0) {
    code = Read16(format + 24);
  }
  if (code != kPcm || bits != 16) {
    return "found format " + std::to_string(code) + " with " + std::to_string(bits) +
           " bits, expected 16-bit PCM" + Convert(sample_rate);
  }
  if (channels != 1) {
    return "found " + std::to_string(channels) + " channels, expected mono" + Convert(sample_rate);
  }
  if (Read16(format + 12) != 2 || Read32(format + 8) != uint64_t{rate} * 2) {
    return "found a header that contradicts itself (" + std::to_string(Read32(format + 8)) +
           " bytes/s at " + std::to_string(rate) + " Hz), expected 2 bytes a sample" +
           Convert(sample_rate);
  }
  if (rate != sample_rate) {
    return "found " + std::to_string(rate) + " Hz, expected " + std::to_string(sample_rate) +
           " Hz" + Convert(sample_rate);
  }
  return "";
}

std::string ReadSamples(Span<const uint8_t> body, std::vector<int16_t>* samples) {
  if (body.empty()) {
    return "found no samples, expected at least one; record it again";
  }
  if (body.size() % 2 != 0) {
    return CutShort(body.size(), body.size() + 1, "samples");
  }
  samples->clear();
  samples->reserve(body.size() / 2);
  for (std::size_t i = 0; i < body.size(); i += 2) {
    samples->push_back(static_cast<int16_t>(Read16(body.data() + i)));
  }
  return "";
}

// One chunk: its name, its promised size, and its body as far as the file holds it.
struct Chunk {
  const uint8_t* name;
  uint32_t size;
  Span<const uint8_t> body;
};

// The chunk at `*at`, which moves on to the next one. False when there is none.
bool NextChunk(Span<const uint8_t> file, uint64_t* at, Chunk* chunk) {
  if (file.size() < *at + kChunkHeaderBytes) {
    return false;
  }
  const uint8_t* header = file.data() + *at;
  const Span<const uint8_t> rest = file.Skip(static_cast<std::size_t>(*at) + kChunkHeaderBytes);
  const uint32_t size = Read32(header + 4);
  *chunk = {header, size, rest.First(size < rest.size() ? size : rest.size())};
  *at += kChunkHeaderBytes + uint64_t{size} + size % 2;  // chunks start at even positions
  return true;
}

}  // namespace

std::string ReadWav(Span<const uint8_t> file, uint32_t sample_rate, std::vector<int16_t>* samples) {
  if (file.size() < kRiffHeaderBytes || !Is(file.data(), "RIFF") || !Is(file.data() + 8, "WAVE")) {
    return (file.empty() ? std::string("found an empty file") : std::string("found other bytes")) +
           ", expected a RIFF/WAVE file" + Convert(sample_rate);
  }
  const uint64_t promised = uint64_t{Read32(file.data() + 4)} + 8;
  if (promised > file.size() + 1) {  // one pad byte at the very end is often left out
    return CutShort(file.size(), promised, "RIFF");
  }
  bool format_seen = false;
  uint64_t at = kRiffHeaderBytes;
  for (Chunk chunk; NextChunk(file, &at, &chunk);) {
    if (Is(chunk.name, "fmt ")) {
      if (const std::string error = CheckFormat(chunk.body, sample_rate); !error.empty()) {
        return error;
      }
      format_seen = true;
    } else if (Is(chunk.name, "data") && !format_seen) {
      return "found samples before any 'fmt ' chunk, expected 'fmt ' first" + Convert(sample_rate);
    } else if (Is(chunk.name, "data")) {
      return chunk.body.size() < chunk.size ? CutShort(chunk.body.size(), chunk.size, "samples")
                                            : ReadSamples(chunk.body, samples);
    }
  }
  return std::string("found no '") + (format_seen ? "data" : "fmt ") +
         "' chunk, expected one; the file is damaged, record it again";
}

}  // namespace stapes

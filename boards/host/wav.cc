// SPDX-License-Identifier: Apache-2.0
#include "boards/host/wav.h"

#include <cstring>

namespace stapes {
namespace {

constexpr uint32_t kPcm = 1;
constexpr uint32_t kExtensible = 0xFFFE;
constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::size_t kChunkHeaderBytes = 8;
// From here on a size says "until the end": what writers to a pipe put there.
constexpr uint32_t kOpenSize = 0x7FFFF000;
constexpr uint64_t kTagBytes = 4096;  // most bytes after the end that no header describes
constexpr int kMostChunks = 1000;     // that are looked at
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

// Whether a whole chunk with a readable name is at `at`.
bool IsChunk(Span<const uint8_t> file, uint64_t at) {
  if (at + kChunkHeaderBytes > file.size()) {
    return false;
  }
  const uint8_t* header = file.data() + at;
  for (int i = 0; i < 4; ++i) {
    if (header[i] < 0x20 || header[i] >= 0x7F) {
      return false;
    }
  }
  return at + kChunkHeaderBytes + Read32(header + 4) <= file.size();
}

// Chunks start at even positions.
uint64_t AfterChunk(uint64_t body, uint32_t size) { return body + size + size % 2; }

// The end of the row of whole chunks that begins at `at`.
uint64_t EndOfChunks(Span<const uint8_t> file, uint64_t at) {
  for (int i = 0; i < kMostChunks && IsChunk(file, at); ++i) {
    at = AfterChunk(at + kChunkHeaderBytes, Read32(file.data() + at + 4));
  }
  return at;
}

// True when `size` does not say where the samples that begin at `start` end.
bool IsOpen(Span<const uint8_t> file, uint64_t start, uint32_t size) {
  if (size == 0) {
    return file.size() > start && !IsChunk(file, start);
  }
  const uint64_t end = EndOfChunks(file, AfterChunk(start, size));
  return size >= kOpenSize && (start + size > file.size() || file.size() > end + kTagBytes);
}

// The samples of a 'data' chunk of `size` bytes whose body begins at `start`, by the file's length.
std::string JudgeSizes(Span<const uint8_t> file, uint64_t start, uint32_t size, Wav* wav) {
  const Span<const uint8_t> rest = file.Skip(static_cast<std::size_t>(start));
  if (IsOpen(file, start, size)) {
    *wav = {rest.First(rest.size() / 2 * 2), true};
    return "";
  }
  const uint64_t promised = uint64_t{Read32(file.data() + 4)} + 8;
  const bool riff_is_open = promised >= uint64_t{kOpenSize} + 8;
  if (promised > file.size() + 1 && !riff_is_open) {  // the last pad byte is often left out
    return CutShort(file.size(), promised, "RIFF");
  }
  if (size > rest.size()) {
    return CutShort(rest.size(), size, "samples");
  }
  const uint64_t end = EndOfChunks(file, AfterChunk(start, size));
  if ((!riff_is_open && end + 1 < promised) || file.size() > end + kTagBytes) {
    return "found " + std::to_string(file.size()) + " bytes, expected " + std::to_string(end) +
           " as its header says: its sizes wrapped at 4 GiB, or more was added; write the header "
           "anew with: sox --ignore-length IN.wav OUT.wav";
  }
  *wav = {rest.First(size), false};
  return "";
}

std::string CheckSamples(const Wav& wav) {
  if (wav.samples.empty()) {
    return "found no samples, expected at least one; record it again";
  }
  return wav.samples.size() % 2 == 0
             ? ""
             : CutShort(wav.samples.size(), wav.samples.size() + 1, "samples");
}

bool IsLfsPointer(Span<const uint8_t> file) {
  constexpr char kStart[] = "version https://git-lfs.github.com/spec/";
  return file.size() >= sizeof kStart && std::memcmp(file.data(), kStart, sizeof kStart - 1) == 0;
}

}  // namespace

std::string ReadWav(Span<const uint8_t> file, uint32_t sample_rate, Wav* wav) {
  if (IsLfsPointer(file)) {
    return "found a Git LFS pointer, not the file itself, expected a WAV file; fetch it with: git "
           "lfs pull";
  }
  if (file.size() < kRiffHeaderBytes || !Is(file.data(), "RIFF") || !Is(file.data() + 8, "WAVE")) {
    return (file.empty() ? std::string("found an empty file") : std::string("found other bytes")) +
           ", expected a RIFF/WAVE file" + Convert(sample_rate);
  }
  std::string wrong_format;
  bool format_seen = false;
  uint64_t at = kRiffHeaderBytes;
  for (int i = 0; i < kMostChunks && at + kChunkHeaderBytes <= file.size(); ++i) {
    const uint8_t* name = file.data() + at;
    const uint32_t size = Read32(name + 4);
    const Span<const uint8_t> rest = file.Skip(static_cast<std::size_t>(at) + kChunkHeaderBytes);
    if (Is(name, "fmt ")) {
      wrong_format = CheckFormat(rest.First(size < rest.size() ? size : rest.size()), sample_rate);
      format_seen = true;
    } else if (Is(name, "data")) {
      if (!format_seen) {
        return "found samples before any 'fmt ' chunk, expected 'fmt ' first" +
               Convert(sample_rate);
      }
      std::string error = JudgeSizes(file, at + kChunkHeaderBytes, size, wav);
      error = error.empty() ? wrong_format : error;
      return error.empty() ? CheckSamples(*wav) : error;
    }
    at = AfterChunk(at + kChunkHeaderBytes, size);
  }
  return std::string("found no '") + (format_seen ? "data" : "fmt ") +
         "' chunk, expected one; the file is damaged, record it again";
}

}  // namespace stapes

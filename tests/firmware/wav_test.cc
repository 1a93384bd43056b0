// SPDX-License-Identifier: Apache-2.0
// Strict WAV reading of the x86 program: what is taken, and what each refusal says.
#include "boards/host/wav.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace stapes {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Text(const char* four) { return Bytes(four, four + 4); }

Bytes Number(uint32_t value, int size) {
  Bytes bytes;
  for (int i = 0; i < size; ++i) {
    bytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  return bytes;
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

Bytes Chunk(const char* name, const Bytes& body) {
  return Join(
      {Text(name), Number(static_cast<uint32_t>(body.size()), 4), body, Bytes(body.size() % 2)});
}

Bytes Format(uint32_t code = 1, uint32_t channels = 1, uint32_t rate = 16000, uint32_t bits = 16) {
  const uint32_t block = channels * bits / 8;
  return Chunk("fmt ", Join({Number(code, 2), Number(channels, 2), Number(rate, 4),
                             Number(rate * block, 4), Number(block, 2), Number(bits, 2)}));
}

Bytes Riff(const Bytes& chunks) {
  return Join(
      {Text("RIFF"), Number(static_cast<uint32_t>(chunks.size() + 4), 4), Text("WAVE"), chunks});
}

const Bytes kTwoSamples = {1, 0, 0xFF, 0xFF};
const Bytes kGood = Riff(Join({Format(), Chunk("data", kTwoSamples)}));

std::string Read(const Bytes& file, Wav* wav) {
  return ReadWav({file.data(), file.size()}, 16000, wav);
}

std::string Error(const Bytes& file) {
  Wav wav;
  return Read(file, &wav);
}

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("16-bit mono PCM is read") {
  Wav wav;
  CHECK(Read(kGood, &wav) == "");
  CHECK(Bytes(wav.samples.begin(), wav.samples.end()) == kTwoSamples);
  CHECK_FALSE(wav.open_ended);
}

TEST_CASE("an open size means the end of the file in longer files as well") {
  constexpr uint32_t kOpen = 0x80000000;
  constexpr std::size_t kMore = 32000;
  const Bytes start = Join(
      {Text("RIFF"), Number(kOpen, 4), Text("WAVE"), Format(), Text("data"), Number(kOpen, 4)});
  const std::size_t bytes = start.size() + kOpen + kMore;
  // Pages that nobody touches take no memory.
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(pages != MAP_FAILED);
  std::memcpy(pages, start.data(), start.size());
  Wav wav;
  CHECK(ReadWav({static_cast<const uint8_t*>(pages), bytes}, 16000, &wav) == "");
  CHECK(wav.samples.size() == kOpen + kMore);
  CHECK(wav.open_ended);
  munmap(pages, bytes);
}

TEST_CASE("chunks that are not known are passed over, odd ones with their pad byte") {
  const Bytes odd = Chunk("LIST", {1, 2, 3});
  CHECK(Error(Riff(Join({odd, Format(), odd, Chunk("data", kTwoSamples), odd}))) == "");
}

TEST_CASE("WAVE_FORMAT_EXTENSIBLE around PCM is read, around another format refused") {
  const auto extensible = [](uint8_t code) {
    return Chunk("fmt ",
                 Join({Number(0xFFFE, 2),
                       Number(1, 2),
                       Number(16000, 4),
                       Number(32000, 4),
                       Number(2, 2),
                       Number(16, 2),
                       Number(22, 2),
                       Number(16, 2),
                       Number(4, 4),
                       {code, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71}}));
  };
  CHECK(Error(Riff(Join({extensible(1), Chunk("data", kTwoSamples)}))) == "");
  CHECK(Contains(Error(Riff(Join({extensible(3), Chunk("data", kTwoSamples)}))),
                 "found format 3 with 16 bits, expected 16-bit PCM"));
}

TEST_CASE("what is no WAV file is refused") {
  CHECK(Contains(Error({}), "found an empty file, expected a RIFF/WAVE file"));
  CHECK(Contains(Error(Bytes(100, 'x')), "expected a RIFF/WAVE file"));
}

TEST_CASE("another format is refused with what was found and how to fix it") {
  const auto with = [](const Bytes& format) {
    return Error(Riff(Join({format, Chunk("data", kTwoSamples)})));
  };
  CHECK(
      Contains(with(Format(3, 1, 16000, 32)), "found format 3 with 32 bits, expected 16-bit PCM"));
  CHECK(Contains(with(Format(1, 1, 16000, 8)), "found format 1 with 8 bits"));
  CHECK(Contains(with(Format(1, 2)), "found 2 channels, expected mono"));
  CHECK(Contains(with(Format(1, 1, 8000)), "found 8000 Hz, expected 16000 Hz"));
  CHECK(Contains(with(Format(1, 1, 8000)), "convert it with: sox"));
}

TEST_CASE("a header that contradicts itself is refused") {
  Bytes file = kGood;
  file[28] = 1;  // bytes a second
  CHECK(Contains(Error(file), "contradicts itself"));
}

TEST_CASE("a file that is cut short is refused wherever the cut is") {
  for (std::size_t size = 0; size + 1 < kGood.size(); ++size) {
    CHECK(Error(Bytes(kGood.begin(), kGood.begin() + static_cast<std::ptrdiff_t>(size))) != "");
  }
}

TEST_CASE("a size that lies is refused") {
  Bytes file = kGood;
  file[40] = 200;  // of the data chunk
  CHECK(Contains(Error(file), "found 4 bytes of samples, expected 200"));
  file = kGood;
  file[19] = 0xFF;  // of the format chunk: 4 GB
  CHECK(Error(file) != "");
}

TEST_CASE("half a sample, no samples, no chunks, samples before their format") {
  CHECK(Contains(Error(Riff(Join({Format(), Chunk("data", {1, 2, 3})}))), "cut short"));
  CHECK(Contains(Error(Riff(Join({Format(), Chunk("data", {})}))), "found no samples"));
  CHECK(Contains(Error(Riff({})), "found no 'fmt ' chunk"));
  CHECK(Contains(Error(Riff(Format())), "found no 'data' chunk"));
  CHECK(Contains(Error(Riff(Chunk("data", kTwoSamples))), "before any 'fmt ' chunk"));
}

TEST_CASE("samples whose size was never written reach to the end of the file") {
  for (const uint32_t size : {0x7FFFF000U, 0x7FFFFFFFU, 0xFFFFFFFFU, 0U}) {
    Bytes file = kGood;
    const Bytes open = Number(size, 4);
    std::copy(open.begin(), open.end(), file.begin() + 40);
    file.push_back(7);  // half a sample
    Wav wav;
    CHECK(Read(file, &wav) == "");
    CHECK(wav.open_ended);
    CHECK(Bytes(wav.samples.begin(), wav.samples.end()) == kTwoSamples);
  }
}

TEST_CASE("more than the header tells of is refused, tags are not") {
  Bytes file = kGood;
  file.resize(kGood.size() + 4096);
  CHECK(Error(file) == "");
  file.resize(kGood.size() + 4097);
  CHECK(Contains(Error(file), "found 4145 bytes, expected 48 as its header says"));
}

TEST_CASE("damaged headers never read outside the file") {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes file = kGood;
    for (int i = 0; i < 3; ++i) {
      file[random() % file.size()] = static_cast<uint8_t>(random());
    }
    file.resize(random() % (file.size() + 1));
    Error(file);  // the address sanitizer watches
  }
}

}  // namespace
}  // namespace stapes

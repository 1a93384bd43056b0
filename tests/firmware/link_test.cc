// SPDX-License-Identifier: Apache-2.0
// The serial link: lines out, frames in, and what damage does to frames.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "base/crc16.h"
#include "link/frame_reader.h"
#include "link/line_writer.h"
#include "link/packed_audio.h"

namespace stapes {
namespace {

using Bytes = std::vector<uint8_t>;

uint16_t Crc16(const Bytes& bytes) {
  uint16_t crc = kCrc16Start;
  for (const uint8_t byte : bytes) {
    crc = Crc16Update(crc, byte);
  }
  return crc;
}

// COBS written from its definition: each zero is replaced by the distance to the next one.
Bytes CobsEncode(const Bytes& bytes) {
  Bytes out = {0};
  std::size_t code = 0;
  for (const uint8_t byte : bytes) {
    if (out.size() - code == 255) {
      out[code] = 255;
      code = out.size();
      out.push_back(0);
    }
    if (byte == 0) {
      out[code] = static_cast<uint8_t>(out.size() - code);
      code = out.size();
    }
    out.push_back(byte);
  }
  out[code] = static_cast<uint8_t>(out.size() - code);
  return out;
}

Bytes Frame(uint8_t type, uint8_t sequence, const Bytes& payload) {
  Bytes frame = {type, sequence};
  frame.insert(frame.end(), payload.begin(), payload.end());
  const uint16_t crc = Crc16(frame);
  frame.push_back(static_cast<uint8_t>(crc & 0xFF));
  frame.push_back(static_cast<uint8_t>(crc >> 8));
  Bytes encoded = CobsEncode(frame);
  encoded.push_back(0);
  return encoded;
}

struct Received {
  uint8_t type, sequence;
  Bytes payload;
  bool operator==(const Received& other) const {
    return type == other.type && sequence == other.sequence && payload == other.payload;
  }
};

std::vector<Received> Feed(FrameReader& reader, const Bytes& bytes) {
  std::vector<Received> frames;
  for (const uint8_t byte : bytes) {
    if (reader.Push(byte)) {
      frames.push_back({static_cast<uint8_t>(reader.type()), reader.sequence(),
                        Bytes(reader.payload().begin(), reader.payload().end())});
    }
  }
  return frames;
}

class StringSink : public CharacterSink {
 public:
  void Put(char character) override { text += character; }
  void EndLine() override { ++lines; }
  std::string text;
  int lines = 0;
};

TEST_CASE("the checksum is CRC-16/CCITT-FALSE") {
  CHECK(Crc16({'1', '2', '3', '4', '5', '6', '7', '8', '9'}) == 0x29B1);
}

TEST_CASE("a line holds sequence number, event, fields and checksum") {
  StringSink sink;
  LineWriter lines(sink);
  lines.Begin("detection");
  lines.Field("time_ms", 4480u);
  lines.Field("label", "yes");
  lines.FieldQ16("score", 57220);
  lines.End();
  const std::string body = "0000 detection time_ms=4480 label=yes score=0.87311";
  char crc[8];
  std::snprintf(crc, sizeof crc, "%04X", Crc16(Bytes(body.begin(), body.end())));
  CHECK(sink.text == "$" + body + "*" + crc + "\r\n");
  CHECK(sink.lines == 1);
}

TEST_CASE("sequence numbers count lines and wrap after FFFF") {
  StringSink sink;
  LineWriter lines(sink);
  for (int i = 0; i < 0x10001; ++i) {
    sink.text.clear();
    lines.Begin("x");
    lines.End();
    if (i == 0xFFFF) {
      CHECK(sink.text.substr(0, 5) == "$FFFF");
    }
  }
  CHECK(sink.text.substr(0, 5) == "$0000");
}

std::string Written(void (*write)(LineWriter&)) {
  StringSink sink;
  LineWriter lines(sink);
  lines.Begin("e");
  write(lines);
  return sink.text.substr(7);
}

TEST_CASE("text is escaped where it could be taken for something else") {
  CHECK(Written([](LineWriter& w) { w.Field("t", "a b%*$=,~\n"); }) ==
        " t=a%20b%25%2A%24%3D%2C~%0A");
  CHECK(Written([](LineWriter& w) { w.Field("t", "\xC3\xA9"); }) == " t=%C3%A9");
}

TEST_CASE("lists are separated by commas, which labels do not hold") {
  CHECK(Written([](LineWriter& w) {
          const char* const labels[] = {"yes", "no"};
          w.FieldList("labels", labels, 2);
        }) == " labels=yes,no");
}

TEST_CASE("numbers") {
  CHECK(Written([](LineWriter& w) { w.Field("n", 0u); }) == " n=0");
  CHECK(Written([](LineWriter& w) { w.Field("n", UINT32_MAX); }) == " n=4294967295");
  CHECK(Written([](LineWriter& w) { w.FieldLong("n", uint64_t{UINT32_MAX} + 1); }) ==
        " n=4294967296");
  CHECK(Written([](LineWriter& w) { w.FieldLong("n", UINT64_MAX); }) == " n=18446744073709551615");
}

TEST_CASE("fractions of Q16 have five decimals, rounded to nearest") {
  CHECK(Written([](LineWriter& w) { w.FieldQ16("f", 0); }) == " f=0.00000");
  CHECK(Written([](LineWriter& w) { w.FieldQ16("f", 65536); }) == " f=1.00000");
  CHECK(Written([](LineWriter& w) { w.FieldQ16("f", 65535); }) == " f=0.99998");
  CHECK(Written([](LineWriter& w) { w.FieldQ16("f", 3277); }) == " f=0.05000");
}

TEST_CASE("int8 bytes are written as two hexadecimal digits each") {
  CHECK(Written([](LineWriter& w) {
          const int8_t bytes[] = {-128, -1, 0, 127};
          w.FieldHex("q", bytes);
        }) == " q=80FF007F");
}

TEST_CASE("bytes are written in base64 without padding, as RFC 4648 has it") {
  const auto base64 = [](const std::string& text) {
    StringSink sink;
    LineWriter lines(sink);
    lines.Begin("e");
    lines.FieldBase64("b", {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    return sink.text.substr(10);
  };
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg");
  CHECK(base64("fo") == "Zm8");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg");
  CHECK(base64("fooba") == "Zm9vYmE");
  CHECK(base64("foobar") == "Zm9vYmFy");
}

TEST_CASE("a frame comes through whatever its payload") {
  std::mt19937 random(1);
  for (std::size_t size = 0; size <= kMaxPayloadBytes; ++size) {
    Bytes payload(size);
    for (uint8_t& byte : payload) {
      byte = static_cast<uint8_t>(random() % 3 == 0 ? 0 : random());
    }
    FrameReader reader;
    const std::vector<Received> frames =
        Feed(reader, Frame(5, static_cast<uint8_t>(size), payload));
    REQUIRE(frames.size() == 1);
    CHECK(frames[0] == Received{5, static_cast<uint8_t>(size), payload});
  }
}

TEST_CASE("COBS groups of 254 bytes without a zero") {
  for (const std::size_t size : {252u, 253u, 254u, 255u, 256u}) {
    FrameReader reader;
    CHECK(Feed(reader, Frame(5, 1, Bytes(size, 7))).size() == 1);
  }
}

TEST_CASE("zero bytes between frames are idle time") {
  FrameReader reader;
  Bytes bytes = {0, 0, 0};
  const Bytes frame = Frame(1, 2, {});
  bytes.insert(bytes.end(), frame.begin(), frame.end());
  bytes.insert(bytes.end(), {0, 0});
  CHECK(Feed(reader, bytes).size() == 1);
  CHECK(reader.errors().Total() == 0);
}

TEST_CASE("each kind of damage is counted as what it is") {
  FrameReader reader;
  Feed(reader, {3, 1, 0});  // the group promises two bytes, one comes
  CHECK(reader.errors().framing == 1);
  Feed(reader, {2, 9, 0});  // one byte is too short for a frame
  CHECK(reader.errors().length == 1);
  Feed(reader, Frame(1, 1, Bytes(kMaxPayloadBytes + 1, 5)));
  CHECK(reader.errors().length == 2);
  Bytes frame = Frame(1, 1, {1, 2, 3});
  frame[4] ^= 8;
  Feed(reader, frame);
  CHECK(reader.errors().checksum == 1);
  CHECK(reader.errors().Total() == 4);
}

TEST_CASE("an endless frame ends at the next zero byte, and the frame after it is read") {
  FrameReader reader;
  Feed(reader, Bytes(100000, 0xFF));
  CHECK(Feed(reader, {0}).empty());
  CHECK(reader.errors().Total() == 1);
  CHECK(Feed(reader, Frame(1, 1, {})).size() == 1);
}

std::vector<int16_t> Unpacked(const Bytes& payload) {
  PackedAudio packed({payload.data(), payload.size()});
  std::vector<int16_t> samples;
  int16_t some[5];
  while (const std::size_t count = packed.Read(some)) {
    samples.insert(samples.end(), some, some + count);
  }
  return samples;
}

TEST_CASE("packed audio, by hand") {
  // Order 0, r 1: 3 folds to 6, quotient 3: 1110 and 0; -1 folds to 1: 0 and 1; 0: 0 and 0.
  CHECK(Unpacked({0x01, 2, 0xE2, 0x00}) == std::vector<int16_t>{3, -1, 0});
  // Order 1, r 0: 1, then +1 folds to 2 twice: 110 each.
  CHECK(Unpacked({0x10, 2, 0xDB, 0x00}) == std::vector<int16_t>{1, 2, 3});
  // Order 2, r 0: 1 folds to 2; the line through 0 and 1 goes on to 2 and 3 without a difference.
  CHECK(Unpacked({0x20, 2, 0xC0}) == std::vector<int16_t>{1, 2, 3});
  // 16 ones, then -32768 folds to 65535; from there +32767 * 2 wraps around: -2.
  CHECK(Unpacked({0x10, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xE0}) == std::vector<int16_t>{-32768, 32766});
}

TEST_CASE("a payload of packed audio that ends early goes on with zeros") {
  CHECK(Unpacked({0x00, 255}) == std::vector<int16_t>(256, 0));
  CHECK(Unpacked({0x15, 3, 0xFF}).size() == 4);
}

// Damages `bytes` once: flips, drops, inserts, repeats or cuts.
Bytes Damaged(Bytes bytes, std::mt19937& random) {
  const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size());
  switch (random() % 5) {
    case 0:
      *at = static_cast<uint8_t>(*at ^ (1u << random() % 8));
      break;
    case 1:
      bytes.erase(at);
      break;
    case 2:
      bytes.insert(at, static_cast<uint8_t>(random()));
      break;
    case 3:
      bytes.insert(at, *at);
      break;
    default:
      bytes.erase(at, bytes.end());
  }
  return bytes;
}

TEST_CASE("damage is never taken for a frame, and the reader is in step at the next zero byte") {
  std::mt19937 random(2);
  int damaged_frames = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes payload(random() % 40);
    for (uint8_t& byte : payload) {
      byte = static_cast<uint8_t>(random() % 4);
    }
    const Received sent = {5, static_cast<uint8_t>(round), payload};
    FrameReader reader;
    Bytes bytes = Damaged(Frame(sent.type, sent.sequence, payload), random);
    bytes.push_back(0);
    const std::vector<Received> before = Feed(reader, bytes);
    for (const Received& frame : before) {
      CHECK(frame == sent);  // an inserted or repeated zero byte leaves a frame whole
    }
    damaged_frames += before.empty();
    const bool nothing_left = bytes.size() == 1;
    CHECK((!before.empty() || nothing_left || reader.errors().Total() > 0));
    CHECK(Feed(reader, Frame(1, 9, {1})) == std::vector<Received>{{1, 9, {1}}});
  }
  CHECK(damaged_frames > 2500);
}

TEST_CASE("garbage is counted and leaves the reader in order") {
  std::mt19937 random(3);
  FrameReader reader;
  Bytes garbage(200000);
  for (uint8_t& byte : garbage) {
    byte = static_cast<uint8_t>(random());
  }
  const std::size_t frames = Feed(reader, garbage).size();
  CHECK(frames <= 2);  // one in 65536 passes the checksum by chance
  CHECK(reader.errors().Total() > 600);
  Feed(reader, {0});
  CHECK(Feed(reader, Frame(1, 9, {})).size() == 1);
}

}  // namespace
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Any bytes from a host: frames are found or counted, headers of models are refused or lie within
// what was sent, and after a zero byte the next frame is heard.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "app/model_image.h"
#include "link/frame_reader.h"
#include "require.h"

namespace stapes {
namespace {

// COBS( hello, sequence number 1, CRC-16 ), zero byte; no byte inside is zero.
constexpr uint8_t kHello[] = {5, 1, 1, 0x1F, 0x3E, 0};

bool Hear(FrameReader& reader, Span<const uint8_t> bytes) {
  bool found = false;
  for (const uint8_t byte : bytes) {
    found = reader.Push(byte);
    if (found) {
      Require(reader.payload().size() <= kMaxPayloadBytes, "a payload is too long");
      uint32_t sum = 0;  // the sanitizer sees every byte read
      for (const uint8_t value : reader.payload()) {
        sum += value;
      }
      Require(sum <= 255 * kMaxPayloadBytes, "a sum of bytes is too large");
    }
  }
  return found;
}

void TryFrames(Span<const uint8_t> bytes) {
  FrameReader reader;
  Hear(reader, bytes);
  const uint8_t end = 0;
  Hear(reader, {&end, 1});
  const uint32_t errors = reader.errors().Total();
  Require(Hear(reader, kHello) && reader.type() == FrameType::kHello, "a good frame is not heard");
  Require(reader.errors().Total() == errors, "a good frame counts as an error");
}

void RequireInside(Span<const uint8_t> image, const char* text) {
  const auto* start = reinterpret_cast<const uint8_t*>(text);
  Require(start >= image.begin() && start + std::strlen(text) < image.end(), "text lies outside");
}

void TryImage(Span<const uint8_t> bytes) {
  static constexpr FrontEndTables kTables = {};
  ModelBundle built_in = {};
  built_in.front_end = &kTables;
  std::vector<uint32_t> aligned((bytes.size() + 3) / 4);
  std::memcpy(aligned.data(), bytes.data(), bytes.size());
  const Span<const uint8_t> image(reinterpret_cast<const uint8_t*>(aligned.data()), bytes.size());
  ModelImage model = {};
  if (model.Set(image, built_in) != nullptr) {
    return;
  }
  RequireInside(image, model.bundle.sha256);
  RequireInside(image, model.bundle.name);
  for (int i = 0; i < model.bundle.label_count; ++i) {
    RequireInside(image, model.bundle.labels[i]);
  }
  const auto* thresholds = reinterpret_cast<const uint8_t*>(model.bundle.decoder.thresholds_q16);
  Require(thresholds + 4 * model.bundle.label_count <= image.end(), "thresholds lie outside");
  Require(model.bundle.model.end() <= image.end(), "the model lies outside");
}

}  // namespace
}  // namespace stapes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  stapes::TryFrames({data, size});
  stapes::TryImage({data, size});
  return 0;
}

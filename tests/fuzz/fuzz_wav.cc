// SPDX-License-Identifier: Apache-2.0
// Any bytes as a WAV file: refused in one line that says what was found and what was expected, or
// read as samples that lie in the file.
#include <cstddef>
#include <cstdint>
#include <string>

#include "boards/host/wav.h"
#include "require.h"

namespace stapes {
namespace {

constexpr uint32_t kRate = 16000;

void RequireOneLine(const std::string& error) {
  Require(error.find('\n') == std::string::npos, "an error of several lines");
  Require(error.find("expected") != std::string::npos || error.find("cut short") == 0,
          "an error that does not say what was expected");
  Require(error.find("; ") != std::string::npos, "an error that does not say what to do");
}

void RequireInside(Span<const uint8_t> file, Span<const uint8_t> samples) {
  Require(samples.begin() >= file.begin() && samples.end() <= file.end(),
          "samples that are not in the file");
  Require(samples.size() % 2 == 0, "half a sample");
}

}  // namespace
}  // namespace stapes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace stapes;
  const Span<const uint8_t> file(data, size);
  Wav wav{};
  const std::string error = ReadWav(file, kRate, &wav);
  if (!error.empty()) {
    RequireOneLine(error);
    return 0;
  }
  Require(wav.samples.size() > 0, "a file without samples was read");
  RequireInside(file, wav.samples);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a WAV file: refused in one line that says what was found and what was expected, or
// read as samples that lie in the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

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

void RequireInside(Span<const uint8_t> file, const std::vector<int16_t>& samples) {
  std::vector<uint8_t> bytes(2 * samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto sample = static_cast<uint16_t>(samples[i]);
    bytes[2 * i] = static_cast<uint8_t>(sample);
    bytes[2 * i + 1] = static_cast<uint8_t>(sample >> 8);
  }
  Require(std::search(file.begin(), file.end(), bytes.begin(), bytes.end()) != file.end(),
          "samples that are not in the file");
}

}  // namespace
}  // namespace stapes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace stapes;
  const Span<const uint8_t> file(data, size);
  std::vector<int16_t> samples;
  const std::string error = ReadWav(file, kRate, &samples);
  if (!error.empty()) {
    RequireOneLine(error);
    return 0;
  }
  Require(!samples.empty(), "a file without samples was read");
  RequireInside(file, samples);
  return 0;
}

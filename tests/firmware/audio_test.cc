// SPDX-License-Identifier: Apache-2.0
// From PDM bits to samples. How well it filters is tested against scipy.signal in
// tests/host/device.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "audio/dc_blocker.h"
#include "audio/pdm_decimator.h"

namespace stapes {
namespace {

std::vector<uint16_t> RandomWords(std::size_t count) {
  std::vector<uint16_t> words(count);
  uint32_t state = 1;
  for (uint16_t& word : words) {
    state = state * 1664525u + 1013904223u;
    word = static_cast<uint16_t>(state >> 16);
  }
  return words;
}

std::vector<int16_t> Decimate(PdmDecimator& decimator, const std::vector<uint16_t>& words,
                              std::size_t samples_at_once) {
  std::vector<int16_t> samples(words.size() / PdmDecimator::kWordsPerSample);
  for (std::size_t done = 0; done < samples.size(); done += samples_at_once) {
    const std::size_t first_word = done * PdmDecimator::kWordsPerSample;
    const std::size_t room = std::min(samples_at_once, samples.size() - done);
    const std::size_t made = decimator.Process(
        {words.data() + first_word, words.size() - first_word}, {samples.data() + done, room});
    REQUIRE(made == room);
  }
  return samples;
}

TEST_CASE("samples do not depend on the pieces that the bits come in") {
  const std::vector<uint16_t> words = RandomWords(4 * 300);
  PdmDecimator whole(2), pieces(2);
  CHECK(Decimate(whole, words, 300) == Decimate(pieces, words, 7));
}

TEST_CASE("after a reset nothing is left of what was heard") {
  const std::vector<uint16_t> words = RandomWords(4 * 100);
  PdmDecimator fresh(0), used(0);
  const std::vector<int16_t> expected = Decimate(fresh, words, 100);
  Decimate(used, std::vector<uint16_t>(4 * 100, 0xFFFF), 100);
  used.Reset();
  CHECK(Decimate(used, words, 100) == expected);
}

TEST_CASE("the loudest bits overflow nowhere, whatever the gain") {
  std::vector<uint16_t> words;
  words.reserve(4 * 400);
  for (int i = 0; i < 4 * 400; ++i) {
    words.push_back(i / 100 % 2 == 0 ? 0xFFFF : 0x0000);
  }
  for (const int gain_log2 : {0, PdmDecimator::kMaxGainLog2}) {
    PdmDecimator decimator(gain_log2);
    std::vector<int16_t> samples = Decimate(decimator, words, 400);
    CHECK(*std::max_element(samples.begin(), samples.end()) == INT16_MAX);
    CHECK(*std::min_element(samples.begin(), samples.end()) == INT16_MIN);
    DcBlocker().Process({samples.data(), samples.size()});
  }
}

}  // namespace
}  // namespace stapes

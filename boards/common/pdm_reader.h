// SPDX-License-Identifier: Apache-2.0
// PDM bits that a DMA channel collects in a ring, read as samples: for chips without hardware for
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "audio/dc_blocker.h"
#include "audio/pdm_decimator.h"
#include "base/span.h"
#include "boards/board.h"
#include "boards/common/dma_ring.h"

namespace stapes {

class PdmReader {
 public:
  static constexpr uint32_t kRate = 16000;
  static constexpr uint32_t kBitRate = kRate * PdmDecimator::kBitsPerSample;
  static constexpr uint32_t kBlockWords = 512;  // of 16 bits: 8 ms
  static constexpr uint32_t kBlocks = 16;
  using Words = DmaRing<uint16_t, kBlockWords, kBlocks>;

  // gain_log2: of PdmDecimator.
  explicit constexpr PdmReader(int gain_log2) : decimator_(gain_log2) {}

  // Reads the oldest samples, without their constant part, and returns how many. It may leave some
  // of the room unused.
  std::size_t Read(Words& ring, Span<int16_t> samples) {
    uint16_t words[kSamplesAtOnce * PdmDecimator::kWordsPerSample];
    std::size_t count = 0;
    while (count + kSamplesAtOnce <= samples.size()) {
      const std::size_t taken = ring.Take(words, PdmDecimator::kWordsPerSample);
      if (taken == 0) {
        break;
      }
      count += decimator_.Process({words, taken}, samples.Skip(count));
    }
    dc_blocker_.Process({samples.data(), count});
    return count;
  }
  static uint32_t LostSamples(const Words& ring) {
    return ring.lost() / PdmDecimator::kWordsPerSample;
  }

 private:
  static constexpr std::size_t kSamplesAtOnce = 32;
  static_assert((kBlocks - 2) * kBlockWords >=
                board::kAudioRingMs * kRate / 1000 * PdmDecimator::kWordsPerSample);

  PdmDecimator decimator_;
  DcBlocker dc_blocker_;
};

}  // namespace stapes

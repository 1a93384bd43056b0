// SPDX-License-Identifier: Apache-2.0
// Audio in about half of its bytes, without loss: what a linear predictor leaves, Rice coded.
//
// A payload is two bytes, order * 16 + parameter r and number of samples - 1, and then bits,
// highest first. Order 0 predicts 0, order 1 the sample before, order 2 (or more) the line through
// the two samples before; samples before the first are 0. The difference from the sample, 16 bits
// with wrap-around, is folded (0, -1, 1, -2 become 0, 1, 2, 3). The folded number's quotient by 2^r
// follows as that many ones and a zero, then its r low bits. After 16 ones there is no zero: the
// folded number follows in 16 bits. Bits beyond the end are zeros, so that every payload has a
// meaning.
//
// Sources: R. F. Rice, "Some Practical Universal Noiseless Coding Techniques", JPL 79-22; T.
// Robinson, "SHORTEN: Simple lossless and near-lossless waveform compression", 1994 (the
// predictors).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

class PackedAudio {
 public:
  static constexpr std::size_t kHeaderBytes = 2;

  // `payload`: at least kHeaderBytes, kept by the caller.
  explicit PackedAudio(Span<const uint8_t> payload);

  // Reads the next samples and returns how many; 0 after the last.
  std::size_t Read(Span<int16_t> samples);

 private:
  uint32_t Bits(uint32_t count);
  uint32_t Folded();
  int32_t Predicted() const;

  Span<const uint8_t> bytes_;
  std::size_t bit_ = 0;
  uint32_t left_;
  uint32_t order_;
  uint32_t parameter_;
  int32_t last_ = 0;  // the sample before
  int32_t before_last_ = 0;
};

}  // namespace stapes

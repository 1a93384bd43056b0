// SPDX-License-Identifier: Apache-2.0
// Strict reading of WAV files: 16-bit PCM, mono, whole; anything else is refused in one line.
//
// Format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/span.h"

namespace stapes {

// Finds the samples in the bytes of a WAV file whose rate must be `sample_rate` hertz. They are
// left in `samples`. Returns an empty text, or "found ..., expected ...; how to fix it".
std::string ReadWav(Span<const uint8_t> file, uint32_t sample_rate, std::vector<int16_t>* samples);

}  // namespace stapes

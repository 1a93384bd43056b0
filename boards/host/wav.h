// SPDX-License-Identifier: Apache-2.0
// Strict reading of WAV files: 16-bit PCM, mono, whole; anything else is refused in one line.
//
// Format: Multimedia Programming Interface and Data Specifications 1.0 (RIFF, WAVE). The rule for
// which sizes to believe is that of host/stapes/audio/wav.py.
#pragma once

#include <cstdint>
#include <string>

#include "base/span.h"

namespace stapes {

struct Wav {
  Span<const uint8_t> samples;  // 16 bits each, low byte first; at least one sample
  bool open_ended;  // the header does not say where the samples end: they reach to the file's end
};

// Finds the samples in the bytes of a WAV file whose rate must be `sample_rate` hertz; few of the
// bytes are looked at. Returns an empty text, or "found ..., expected ...; how to fix it".
std::string ReadWav(Span<const uint8_t> file, uint32_t sample_rate, Wav* wav);

}  // namespace stapes

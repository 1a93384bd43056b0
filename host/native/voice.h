// SPDX-License-Identifier: Apache-2.0
// Tempo and pitch of recorded speech, for variations of training clips. Host only, in float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace stapes {

// The same sound `rate` times as fast (0.1 to 10) at the same pitch: count / rate samples, at least
// 2. Pieces of 32 ms overlap by half; each is taken within 10 ms of its place, where it best
// continues the piece before it. WSOLA: Verhelst and Roelands, An overlap-add technique based on
// waveform similarity, ICASSP 1993. Sound beyond both ends is silence.
std::vector<float> Stretch(const float* samples, std::size_t count, double rate,
                           uint32_t sample_rate);

// The same sound in `length` samples: sample j is the sound at j * count / length, interpolated
// with a windowed sinc of 24 samples (of the slower rate). Frequencies above half of the slower
// rate are filtered out. Sound beyond both ends is silence.
std::vector<float> Resample(const float* samples, std::size_t count, std::size_t length);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Per-channel energy normalisation (Wang et al. 2017): each mel channel against its own recent
// past.
//
// With E[t] a channel (a sum of magnitudes) of frame t, and alpha, delta, r, s and a floor of the
// model's settings:
//
//   M[t] = M[t-1] + s (E[t] - M[t-1])
//   feature = curve(log2 E[t] - alpha log2(floor + M[t])), curve(u) = (2^u + delta)^r - delta^r,
//
// or, for r = 0, curve(u) = ln(1 + 2^u / delta).
#pragma once

#include <cstdint>

#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"

namespace stapes {

// Entries of the curve's table: u = -16 to 16, eight to an octave.
constexpr uint32_t kPcenCurveSize = 257;

// What all channels of a frame have in common.
struct PcenFrame {
  int channel_bits;  // Q format of the channels, see mel_channels.h
  int32_t rate;      // Q16: this frame's share in M, 0 to 1
};

// What a stream of frames leaves behind. It starts with zeros.
struct PcenState {
  int64_t* smoothed;  // [channel_count] M in Q(pcen_energy_bits + 16)
  uint32_t frames;    // that made M, as long as they are fewer than 1/s
};

// The rate of the next frame. M is the mean of all frames so far until there are 1/s of them. So M
// starts at the level of the sound, and no single frame decides it. `is_silent`: a frame of zeros.
// Such a frame says nothing about the level to come, so M keeps its value, or does not start yet.
int32_t NextPcenRate(const FrontEndTables& tables, bool is_silent, PcenState* state);

// The feature, Q(feature_bits), of a mel channel; takes it into its M first.
int32_t NormalizeChannel(const FrontEndTables& tables, uint64_t channel, const PcenFrame& frame,
                         int64_t* smoothed);

// The features of all channels. `spectrum` is what Fft made of a frame of samples within
// 2^peak_bits; `features` takes channel_count numbers.
PcenStage PcenMel;

}  // namespace stapes

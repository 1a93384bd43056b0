// SPDX-License-Identifier: Apache-2.0
// All that a front end needs to know, computed once on the host (host/stapes/device/tables.py).
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {

struct ComplexInt;
struct FrontEndTables;
struct PcenState;

// The type of PcenMel, see pcen.h.
using PcenStage = void(const FrontEndTables& tables, const ComplexInt* spectrum, int peak_bits,
                       PcenState* state, int32_t* features);

// Plain constant data; the arrays are 4-byte aligned and outlive every FrontEnd that uses them.
struct FrontEndTables {
  uint32_t window_samples;     // N, 16 to 4096
  uint32_t stride_samples;     // from one frame's first sample to the next frame's
  uint16_t fft_log2;           // log2 of the FFT size (the next power of two of N), 4 to 12
  uint16_t input_bits;         // windowed samples are at most 2^input_bits: no FFT stage overflows
  uint16_t channel_count;      // mel channels C, 2 to 128
  uint16_t coefficient_count;  // DCT coefficients, 0 to C; 0: no DCT, the features are the channels
  uint16_t first_bin;          // FFT bins that the mel channels use: first ...
  uint16_t last_bin;           // ... to last, inclusive
  const int32_t* window;       // [(N + 1)/2 + 1] Q31, the periodic Hann window up to its middle
  const int32_t* twiddles;     // Q31, see fft.h
  const int32_t* bin_twiddles;  // [last_bin - first_bin + 1][2] Q31 cos, sin of 2 pi k / FFT size
  const uint16_t* band_bins;    // [C + 1] bins up to each channel's centre, then up to the last bin
  const uint16_t* mel_weights;  // [last_bin - first_bin + 1] Q16 share of the channel below
  const int16_t* dct;           // [coefficient_count][DctRowLength(C)] Q(feature_bits); dct.h
  uint16_t feature_bits;        // features before rounding to int8 are Q(feature_bits) int32
  int16_t zero_point;           // int8 = zero_point + feature * multiplier / 2^shift
  int32_t multiplier;           // 2^30 to 2^31 - 1
  int32_t shift;                // 32 to 62
  std::size_t work_bytes;       // memory that FrontEnd::Init takes
  // Per-channel energy normalisation, see pcen.h.
  const uint16_t* pcen_curve;  // [kPcenCurveSize] Q(feature_bits - 15)
  uint16_t pcen_energy_bits;   // channels fit 31 bits in this Q format
  int32_t pcen_rate;           // Q16, s: 1 to 2^16
  int32_t pcen_alpha;          // Q31
  uint32_t pcen_floor;         // Q(pcen_energy_bits), 1 to 2^31
  PcenStage* pcen_stage;       // PcenMel; nullptr: none, and a firmware does not link it
};

// Values per frame.
inline uint32_t FeatureCount(const FrontEndTables& tables) {
  return tables.coefficient_count != 0 ? tables.coefficient_count : tables.channel_count;
}

}  // namespace stapes

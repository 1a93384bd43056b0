// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution with as many outputs as inputs per pixel (depth multiplier 1).
//
// Weights and what scales the sums are first laid out in a form that belongs to the platform; each
// output pixel is then computed from pointers to the input pixels under the filter's taps.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"
#include "nn/kernels/scaling.h"

namespace stapes {

struct DepthwiseShape {
  int32_t channels;
  int32_t taps;          // filter height times width
  int32_t input_offset;  // minus the zero point of the inputs

  // Pointers in a list of taps: an odd number is filled up with a pointer that is not used.
  int32_t TapPointers() const { return (taps + 1) & ~1; }
};

// Bytes of the layout, the same on every platform; 4-byte aligned. Cores with DSP instructions lay
// out blocks of four channels, Helium a word and blocks of sixteen; the larger layout counts.
constexpr int32_t DepthwiseBytes(int32_t channels, int32_t taps) {
  const int32_t fours = (channels + 3) / 4 * 16 * ((taps + 1) / 2 + 3);
  const int32_t sixteens = 4 + (channels + 15) / 16 * 16 * (taps + 9);
  return fours > sixteens ? fours : sixteens;
}

// weights[tap][channel]; scaling must outlive the layout.
void LayDepthwise(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t* layout);

// One output pixel, output[channel]. taps[i]: the input pixel under tap i, or a pixel of zero
// points beyond the border.
void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output);

// An image that is one pixel wide. Neighbouring outputs, and neighbouring taps, are one input
// apart.
struct TimeShape {
  int32_t inputs;
  int32_t outputs;
  int32_t pad;  // inputs before the first one, of zero points
};

// Whether there is code for all of such an image.
constexpr bool kHasDepthwiseOverTime = STAPES_KERNELS_MVE;

// All outputs of such an image; they may overwrite the inputs, from the first one on. False where
// these shapes have no code of their own: nothing is done.
bool DepthwiseOverTime(const DepthwiseShape& shape, const TimeShape& time, const Scaling& scaling,
                       const int8_t* weights, const int8_t* input, int8_t* memory,
                       int32_t memory_bytes, int8_t* output);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in plain C++: tap after tap added to the sums of all channels. Takes every
// shape and scaling; `memory` holds the sums.
#pragma once

#include <cstring>

#include "nn/kernels/depthwise.h"

namespace stapes {
namespace plain {

inline void SumTaps(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* memory, const int8_t* const* taps, int8_t* output) {
  uint32_t* const sums = reinterpret_cast<uint32_t*>(memory);
  std::memset(sums, 0, static_cast<std::size_t>(shape.channels) * sizeof(uint32_t));
  for (int32_t tap = 0; tap < shape.taps; ++tap, weights += shape.channels) {
    for (int32_t c = 0; c < shape.channels; ++c) {
      sums[c] += static_cast<uint32_t>(weights[c] * (taps[tap][c] + shape.input_offset));
    }
  }
  for (int32_t c = 0; c < shape.channels; ++c) {
    output[c] = scaling(c, static_cast<int32_t>(sums[c]));
  }
}

}  // namespace plain
}  // namespace stapes

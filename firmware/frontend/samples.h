// SPDX-License-Identifier: Apache-2.0
// Moving samples, and how loud they are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {

// Bits of samples that differ from their lower neighbour: the highest of 16 tells the largest
// sample's size. Of several groups of samples, take the bitwise or.
struct SignChanges {
  uint32_t bits = 0;
};

// Copies samples, to the front of what they come from or to elsewhere.
SignChanges CopySamples(int16_t* to, const int16_t* from, std::size_t count);

// The smallest p with -2^p <= sample < 2^p for all samples, 0 to 15; samples 0 and -1 count as 0.
int PeakBits(SignChanges changes);

}  // namespace stapes

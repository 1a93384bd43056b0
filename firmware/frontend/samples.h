// SPDX-License-Identifier: Apache-2.0
// Moving samples, and how loud they are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fixed_point.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/samples.h"
#endif

namespace stapes {

// Bits of samples that differ from their lower neighbour: the highest of 16 tells the largest
// sample's size. Of several groups of samples, take the bitwise or.
struct SignChanges {
  uint32_t bits = 0;
};

// Of one sample or of two in a word. The lower one spills into bit 16, which PeakBits masks.
inline uint32_t Changes(uint32_t pair) { return pair ^ (pair << 1); }

// Copies samples; they may overlap if `to` lies before `from`.
#ifdef STAPES_USE_HELIUM
__attribute__((always_inline)) inline SignChanges CopySamples(int16_t* to, const int16_t* from,
                                                              std::size_t count) {
  const helium::Range range = helium::CopySamples(to, from, count);
  return {Changes(range.largest) | Changes(range.smallest)};
}
#else
SignChanges CopySamples(int16_t* to, const int16_t* from, std::size_t count);
#endif

// The smallest p with -2^p <= sample < 2^p for all samples, 0 to 15; samples 0 and -1 count as 0.
inline int PeakBits(SignChanges changes) {
  const uint32_t bits = (changes.bits | (changes.bits >> 16)) & 0xFFFEu;
  return bits == 0 ? 0 : 31 - LeadingZeros(bits);
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Places buffers with known lifetimes into one block of memory.
#pragma once

#include <cstdint>

#include "base/span.h"

namespace stapes {

struct PlannedBuffer {
  uint32_t bytes;
  uint32_t offset;     // result, a multiple of 8
  uint16_t first_use;  // inclusive, in steps of the network
  uint16_t last_use;   // inclusive
  uint16_t owner;      // left alone, for the caller
  uint16_t kind;       // left alone
};

// Sets every offset so that buffers alive at the same step do not overlap; returns the bytes
// needed. Largest first, each at the lowest offset that is free during its life: the "greedy by
// size" of Pisarchyk and Lee, arXiv 2001.03288. Reorders the buffers.
uint32_t PlanMemory(Span<PlannedBuffer> buffers);

}  // namespace stapes

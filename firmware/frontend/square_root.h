// Integer square root by table.
#pragma once

#include <cstdint>

namespace stapes {

// The square root of a 64-bit integer below 2^63, relative error below 2^-15 plus one unit.
uint32_t SquareRoot(uint64_t value);

}  // namespace stapes

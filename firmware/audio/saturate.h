#pragma once

#include <cstdint>

namespace stapes {

// The nearest 16-bit number.
constexpr int16_t Saturate16(int32_t value) {
  return static_cast<int16_t>(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

}  // namespace stapes

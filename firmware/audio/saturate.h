// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace stapes {

// The nearest 16-bit number.
constexpr int16_t Saturate16(int32_t value) {
  const int32_t capped = value > INT16_MAX ? INT16_MAX : value;
  return static_cast<int16_t>(capped < INT16_MIN ? INT16_MIN : capped);
}

}  // namespace stapes

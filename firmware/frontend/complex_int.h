// SPDX-License-Identifier: Apache-2.0
// A complex number of two 32-bit integers.
#pragma once

#include <cstdint>

namespace stapes {

struct ComplexInt {
  int32_t re;
  int32_t im;
};

}  // namespace stapes

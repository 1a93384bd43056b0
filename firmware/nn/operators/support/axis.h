// SPDX-License-Identifier: Apache-2.0
// A dimension named by an index that may count from the end.
#pragma once

#include <cstdint>

#include "nn/model.h"

namespace stapes {

// 0 to rank - 1, or -1 for an axis that does not exist.
inline int32_t ResolveAxis(int32_t axis, const Shape& shape) {
  if (axis < 0) {
    axis += shape.rank;
  }
  return axis >= 0 && axis < shape.rank ? axis : -1;
}

// Product of the dimensions from `first` up to `last`, exclusive.
inline int32_t CountBetween(const Shape& shape, int32_t first, int32_t last) {
  int32_t count = 1;
  for (int32_t d = first; d < last; ++d) {
    count *= shape.Dim(d);
  }
  return count;
}

}  // namespace stapes

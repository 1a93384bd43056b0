// SPDX-License-Identifier: Apache-2.0
#include "boards/common/memory_at_start.h"

#include "boards/board.h"

namespace stapes {

StackUse board::Stack() {
  const uint32_t* untouched = stapes_stack_bottom;
  while (untouched < stapes_stack_top && *untouched == kStackPaint) {
    ++untouched;
  }
  const auto bytes = [](const uint32_t* from) {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(stapes_stack_top) -
                                 reinterpret_cast<uintptr_t>(from));
  };
  return {bytes(untouched), bytes(stapes_stack_bottom)};
}

}  // namespace stapes

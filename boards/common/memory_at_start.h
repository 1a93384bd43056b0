// SPDX-License-Identifier: Apache-2.0
// The memory of a program that starts: what the linker script (image.ld) says of it.
#pragma once

#include <cstdint>

// The linker script's marks: only their addresses mean anything.
extern "C" {
extern uint32_t stapes_stack_bottom[], stapes_stack_top[];
extern uint32_t stapes_data_start[], stapes_data_end[], stapes_data_image[];
extern uint32_t stapes_bss_start[], stapes_bss_end[];
}

namespace stapes {

constexpr uint32_t kStackPaint = 0xA5A5A5A5;  // board::Stack finds it where nothing was written

// Paints the stack up to a little below `frame`, then sets up .data and .bss: nothing here may rely
// on them. Inlined into the caller, so that it has no stack frame below the caller's.
[[gnu::always_inline]] inline void SetUpMemory(uint32_t* frame) {
  // Volatile, or the loops become calls of memset and memcpy, whose frames they would paint over.
  for (volatile uint32_t* word = stapes_stack_bottom; word < frame - 16; ++word) {
    *word = kStackPaint;
  }
  const uint32_t* image = stapes_data_image;
  for (volatile uint32_t* word = stapes_data_start; word < stapes_data_end; ++word) {
    *word = *image++;
  }
  for (volatile uint32_t* word = stapes_bss_start; word < stapes_bss_end; ++word) {
    *word = 0;
  }
}

}  // namespace stapes

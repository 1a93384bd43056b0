// SPDX-License-Identifier: Apache-2.0
// The few calls of Zephyr's kernel that the sample makes, on this machine.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>

struct k_mem_slab {
  std::size_t block_bytes;
  int blocks_out;
};

#define K_MEM_SLAB_DEFINE_STATIC(name, block_size, count, align)                \
  static_assert((block_size) % (align) == 0 && (count) > 1, "as Zephyr wants"); \
  static k_mem_slab name = {(block_size), 0}

inline void k_mem_slab_free(k_mem_slab* slab, void*) { --slab->blocks_out; }

__attribute__((format(printf, 1, 2))) inline void printk(const char* form, ...) {
  va_list values;
  va_start(values, form);
  std::vprintf(form, values);
  va_end(values);
}

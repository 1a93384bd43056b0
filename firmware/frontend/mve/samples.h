// SPDX-License-Identifier: Apache-2.0
// Copying samples with Helium, eight at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stapes {
namespace helium {

// The largest and the smallest of the samples and 0.
struct Range {
  uint16_t largest;
  uint16_t smallest;
};

// Copies samples; they may overlap if `to` lies before `from`.
__attribute__((always_inline)) inline Range CopySamples(int16_t* to, const int16_t* from,
                                                        std::size_t count) {
  uint32_t largest = 0;
  uint32_t smallest = 0;
  __asm__ volatile(
      "wlstp.16 lr, %[count], 1f\n"
      "2:\n"
      "vldrh.u16 q0, [%[from]], #16\n"
      "vstrh.16 q0, [%[to]], #16\n"
      "vmaxv.s16 %[largest], q0\n"
      "vminv.s16 %[smallest], q0\n"
      "letp lr, 2b\n"
      "1:\n"
      : [from] "+r"(from), [to] "+r"(to), [largest] "+r"(largest), [smallest] "+r"(smallest)
      : [count] "r"(count)
      : "lr", "q0", "memory");
  return {static_cast<uint16_t>(largest), static_cast<uint16_t>(smallest)};
}

}  // namespace helium
}  // namespace stapes

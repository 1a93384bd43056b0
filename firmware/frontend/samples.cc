// SPDX-License-Identifier: Apache-2.0
#include "frontend/samples.h"

#include <cstring>

#include "base/fixed_point.h"

namespace stapes {

#ifndef STAPES_USE_HELIUM

namespace {

inline bool StartsWord(const int16_t* samples) {
  return reinterpret_cast<uintptr_t>(samples) % sizeof(uint32_t) == 0;
}

// Two to a word: a small C library's memmove goes by bytes. Both pointers move on.
inline uint32_t CopyEight(int16_t*& to, const int16_t*& from) {
#ifdef STAPES_USE_ARM_DSP
  uint32_t bits;
  __asm__ volatile(
      "ldmia %[from]!, {r4, r5, r6, r8}\n"
      "stmia %[to]!, {r4, r5, r6, r8}\n"
      "eor   %[bits], r4, r4, lsl #1\n"
      "eor   r5, r5, r5, lsl #1\n"
      "eor   r6, r6, r6, lsl #1\n"
      "eor   r8, r8, r8, lsl #1\n"
      "orr   %[bits], %[bits], r5\n"
      "orr   r6, r6, r8\n"
      "orr   %[bits], %[bits], r6\n"
      : [to] "+r"(to), [from] "+r"(from), [bits] "=&r"(bits)
      :
      : "memory", "r4", "r5", "r6", "r8");
  return bits;
#else
  uint32_t four[4];
  std::memcpy(four, __builtin_assume_aligned(from, 4), sizeof(four));
  std::memcpy(__builtin_assume_aligned(to, 4), four, sizeof(four));
  to += 8;
  from += 8;
  return Changes(four[0]) | Changes(four[1]) | Changes(four[2]) | Changes(four[3]);
#endif
}

inline uint32_t CopyOne(int16_t* to, const int16_t* from) {
  *to = *from;
  return Changes(static_cast<uint16_t>(*from));
}

}  // namespace

SignChanges CopySamples(int16_t* to, const int16_t* from, std::size_t count) {
  uint32_t bits = 0;
  if (count != 0 && !StartsWord(to)) {
    bits = CopyOne(to++, from++);
    --count;
  }
  if (StartsWord(from)) {
    for (; count >= 16; count -= 16) {
      bits |= CopyEight(to, from);
      bits |= CopyEight(to, from);
    }
  }
  for (; count != 0; --count) {
    bits |= CopyOne(to++, from++);
  }
  return {bits};
}

#endif

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Vectors of eight numbers, for code that runs only on the host. STAPES_CLONED functions are
// compiled twice, for every x86-64 and for AVX2, and the loader takes the version that fits the
// processor. Neither version has fused multiplications, so both give the same bits.
#pragma once

#include <cstring>

#define STAPES_CLONED
#if defined(__x86_64__) && defined(__GLIBC__)  // the loader chooses
#if __has_attribute(target_clones)
#undef STAPES_CLONED
#define STAPES_CLONED __attribute__((target_clones("default", "avx2")))
#endif
#endif
// Functions that clones call must be inlined into them.
#define STAPES_INLINE inline __attribute__((always_inline))

namespace stapes {

typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));

STAPES_INLINE void Load8(const float* from, Float8* to) { std::memcpy(to, from, sizeof(*to)); }

STAPES_INLINE float Sum8(const Float8& v) {
  const Float4 four =
      __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
  const Float4 two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
  return two[0] + two[1];
}

}  // namespace stapes

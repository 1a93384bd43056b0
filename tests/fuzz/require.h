// SPDX-License-Identifier: Apache-2.0
// What every fuzz target says when something does not hold.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace stapes {

inline void Require(bool holds, const char* what) {
  if (holds) {
    return;
  }
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

}  // namespace stapes

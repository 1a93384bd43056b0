// SPDX-License-Identifier: Apache-2.0
// Decides which new models may run at all, before anything in them is looked at.
#pragma once

#include <cstdint>

#include "base/span.h"

namespace stapes {

class ModelGuard {
 public:
  struct Verdict {
    const char* reason;  // nullptr, or why not: a literal
    uint32_t version;    // of the model: later ones must not be older
  };

  // `image`: as it came. `least`: the newest version that was taken so far.
  virtual Verdict Check(Span<const uint8_t> image, uint32_t least) const = 0;

 protected:
  ~ModelGuard() = default;
};

}  // namespace stapes

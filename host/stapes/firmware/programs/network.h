// SPDX-License-Identifier: Apache-2.0
// One network to measure; templates/network.cc.jinja defines it.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "nn/operator.h"

namespace stapes {

extern const Span<const uint8_t> kMeasuredModel;  // 16-byte aligned
extern const Span<const Operator* const> kMeasuredOperators;
extern const Span<uint8_t> kMeasuredArena;

}  // namespace stapes

// One network to measure; bench/engine.py writes its definition.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "nn/operator.h"

namespace stapes {

extern const Span<const uint8_t> kBenchModel;  // 16-byte aligned
extern const Span<const Operator* const> kBenchOperators;
extern const Span<uint8_t> kBenchArena;

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "frontend/quantize_features.h"

namespace stapes {

void QuantizeFeatures(const FrontEndTables& tables, const int32_t* features, Span<int8_t> output) {
  const int32_t multiplier = tables.multiplier;
  const int high_shift = tables.shift - 32;
  const int64_t half = int64_t{1} << (tables.shift - 1);
  for (int8_t& value : output) {
    const int64_t product = static_cast<int64_t>(*features++) * multiplier + half;
    int32_t steps = static_cast<int32_t>(product >> 32) >> high_shift;
    steps += tables.zero_point;
    if (steps > 127) {
      steps = 127;
    }
    if (steps < -128) {
      steps = -128;
    }
    value = static_cast<int8_t>(steps);
  }
}

}  // namespace stapes

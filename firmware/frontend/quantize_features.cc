#include "frontend/quantize_features.h"

namespace stapes {

void QuantizeFeatures(const FrontEndTables& tables, const int32_t* features, Span<int8_t> output) {
  const int32_t multiplier = tables.multiplier;
  const int shift = tables.shift;
  const int64_t offset = (int64_t{1} << (shift - 1));
  for (int8_t& value : output) {
    int64_t steps = ((static_cast<int64_t>(*features++) * multiplier + offset) >> shift);
    steps += tables.zero_point;
    if (steps > 127) steps = 127;
    if (steps < -128) steps = -128;
    value = static_cast<int8_t>(steps);
  }
}

}  // namespace stapes

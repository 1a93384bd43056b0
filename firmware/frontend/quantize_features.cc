// SPDX-License-Identifier: Apache-2.0
#include "frontend/quantize_features.h"

#include "base/fixed_point.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/quantize.h"
#endif

namespace stapes {
namespace {

// Calls steps(feature) for every feature; it returns how many steps of the scale that is.
template <typename Steps>
inline void Quantize(const int32_t* features, int32_t zero_point, Span<int8_t> output,
                     Steps steps) {
  for (int8_t& value : output) {
    value = static_cast<int8_t>(SaturateToInt8(steps(*features++) + zero_point));
  }
}

}  // namespace

void QuantizeFeatures(const FrontEndTables& tables, const int32_t* features, Span<int8_t> output) {
  const int32_t multiplier = tables.multiplier;
  const int high_shift = tables.shift - 32;
  if (high_shift == 0) {
    return Quantize(features, tables.zero_point, output,
                    [=](int32_t feature) { return MulHigh(feature, multiplier); });
  }
#ifdef STAPES_USE_HELIUM
  helium::Quantize(features, multiplier, high_shift, tables.zero_point, output);
#else
  const int32_t half = 1 << (high_shift - 1);  // has no bits in the product's lower word
  Quantize(features, tables.zero_point, output, [=](int32_t feature) {
    return MulAddHighDown(half, feature, multiplier) >> high_shift;
  });
#endif
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/scaling.h"

#include "nn/kernels/platform.h"

namespace stapes {

#if !STAPES_KERNELS_MVE && !STAPES_KERNELS_X86
void Scaling::Block(const int32_t* sums, int32_t count, int8_t* outputs) const {
  if (kHasDownScale && fast && channel_step == 0 && bias != nullptr) {
    ScaleDown(sums, bias, count, Down(0), output_offset, outputs);
    ClampOutputs(*this, outputs, count);
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    outputs[i] = (*this)(i, sums[i]);
  }
}
#endif

void ClampOutputs(const Scaling& scaling, int8_t* output, int32_t count) {
  if (scaling.low <= INT8_MIN && scaling.high >= INT8_MAX) {
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    output[i] = static_cast<int8_t>(Clamp(output[i], scaling.low, scaling.high));
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/plain/byte_time_stage.h"
#include "nn/kernels/platform.h"

#if !STAPES_KERNELS_DSP && !STAPES_KERNELS_MVE

namespace stapes {

void PushAndWeighBytes(const ByteFilters& filters, const int8_t* weights, int8_t* state,
                       int32_t* sums, int32_t count) {
  plain::ScaleSums(filters, sums, count);
  plain::PushAndDotAll(filters, weights, state, sums, count);
}

}  // namespace stapes

#endif

// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/plain/time_stage.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_PLAIN || STAPES_KERNELS_RISCV

namespace stapes {

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  plain::ScaleSums(filters, sums, count);
  plain::PushAndDotAll(filters, weights, state, sums, count);
}

}  // namespace stapes

#endif

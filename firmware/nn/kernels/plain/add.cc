// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/add.h"
#include "nn/kernels/platform.h"

#if !STAPES_KERNELS_DSP && !STAPES_KERNELS_MVE && !STAPES_KERNELS_THUMB

namespace stapes {

void AddAll(const AddScaling& scaling, const int8_t* first, const int8_t* second, int32_t count,
            int8_t* output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i] = AddOne(scaling, first[i], second[i]);
  }
}

}  // namespace stapes

#endif

// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/depthwise.h"
#include "nn/kernels/plain/depthwise.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_PLAIN || STAPES_KERNELS_THUMB || STAPES_KERNELS_WASM || STAPES_KERNELS_RISCV

namespace stapes {

void LayDepthwise(const DepthwiseShape&, const Scaling&, const int8_t*, int32_t*) {}

void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output) {
  plain::SumTaps(shape, scaling, weights, layout, taps, output);
}

}  // namespace stapes

#endif

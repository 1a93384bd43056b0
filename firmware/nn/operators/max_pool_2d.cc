// SPDX-License-Identifier: Apache-2.0
// MAX_POOL_2D: largest of the pixels inside the image; int8.
// Source: TensorFlow Lite 8-bit quantization specification, MAX_POOL_2D.
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {

extern const Operator kOperatorMaxPool2D = {17, "MAX_POOL_2D", PreparePool<NarrowActivations>,
                                            InvokeMaxPool<int8_t>};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// MAX_POOL_2D of int16; int8 as max_pool_2d.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {
namespace {

using WideMaxPool2D =
    Wide<kOperatorMaxPool2D, PreparePool<WideActivations>, InvokeMaxPool<int16_t>>;

}  // namespace

extern const Operator kOperatorWideMaxPool2D = {17, "MAX_POOL_2D", WideMaxPool2D::Prepare,
                                                WideMaxPool2D::Invoke};

}  // namespace stapes

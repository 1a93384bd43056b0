// SPDX-License-Identifier: Apache-2.0
// MUL of int16; int8 as mul.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/operators/operators.h"
#include "nn/operators/support/mul.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<MulData>();
  CombinePairs<int16_t>(context, data.pairing, [&](int32_t a, int32_t b) {
    return static_cast<int16_t>(Clamp(Requantize(a * b, data.multiplier), data.low, data.high));
  });
}

using WideMul = Wide<kOperatorMul, PrepareMul<WideActivations>, Invoke>;

}  // namespace

extern const Operator kOperatorWideMul = {18, "MUL", WideMul::Prepare, WideMul::Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// MUL: product of two inputs, broadcast where shapes differ, int8.
// Source: TensorFlow Lite 8-bit quantization specification, MUL.
#include "nn/operators/support/mul.h"
#include "nn/operators/operators.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<MulData>();
  CombinePairs(context, data.pairing, [&](int32_t a, int32_t b) {
    const int32_t product = (a + data.first_offset) * (b + data.second_offset);
    const int32_t scaled = Requantize(product, data.multiplier);
    return static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), data.low, data.high));
  });
}

}  // namespace

extern const Operator kOperatorMul = {18, "MUL", PrepareMul<NarrowActivations>, Invoke};

}  // namespace stapes

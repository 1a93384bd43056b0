// SPDX-License-Identifier: Apache-2.0
// TANH, int8; the output's scale is 1/128, zero point 0.
// Source: TensorFlow Lite 8-bit quantization specification, TANH; arithmetic of gemmlowp.
#include "nn/operators/operators.h"
#include "nn/operators/support/sigmoid_curve.h"

namespace stapes {
namespace {

const char* Prepare(PrepareContext& context) {
  const Tensor output = context.Output(0);
  if (output.exists && output.quantization.ZeroPoint() != 0) {
    return Why("expected output zero point 0");
  }
  return PrepareCurve(context);
}

// Q4.27 -> Q0.31; exp(2x) reads the same bits with one more integer bit.
int32_t Tanh(int32_t x) {
  if (x == 0) {
    return 0;
  }
  const int32_t away = x > 0 ? WrappingSubtract(0, x) : x;
  const int32_t upper = OneMinusOverOnePlus(ExpOfNegative(away, kCurveIntegerBits + 1));
  return x > 0 ? upper : WrappingSubtract(0, upper);
}

void Invoke(const InvokeContext& context) {
  InvokeCurve(context, [](int32_t x) { return RoundingShiftRight(Tanh(x), 31 - 7); });
}

}  // namespace

extern const Operator kOperatorTanh = {28, "TANH", Prepare, Invoke};

}  // namespace stapes

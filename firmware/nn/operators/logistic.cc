// SPDX-License-Identifier: Apache-2.0
// LOGISTIC: 1 / (1 + exp(-x)), int8; the output's scale is 1/256, zero point -128.
// Source: TensorFlow Lite 8-bit quantization specification, LOGISTIC; arithmetic of gemmlowp.
#include "nn/operators/operators.h"
#include "nn/operators/support/sigmoid_curve.h"

namespace stapes {
namespace {

const char* Prepare(PrepareContext& context) {
  const Tensor output = context.Output(0);
  if (output.exists && output.quantization.ZeroPoint() != -128) {
    return Why("expected output zero point -128");
  }
  return PrepareCurve(context);
}

// Q4.27 -> Q0.31.
int32_t Logistic(int32_t x) {
  if (x == 0) {
    return 1 << 30;
  }
  const int32_t away = x > 0 ? WrappingSubtract(0, x) : x;
  const int32_t upper = OneOverOnePlus(ExpOfNegative(away, kCurveIntegerBits));
  return x > 0 ? upper : kOneQ31 - upper;
}

void Invoke(const InvokeContext& context) {
  InvokeCurve(context, [](int32_t x) { return RoundingShiftRight(Logistic(x), 31 - 8) - 128; });
}

}  // namespace

extern const Operator kOperatorLogistic = {14, "LOGISTIC", Prepare, Invoke};

}  // namespace stapes

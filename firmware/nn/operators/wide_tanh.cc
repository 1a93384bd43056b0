// SPDX-License-Identifier: Apache-2.0
// TANH of int16, the output's scale 1/32768; int8 as tanh.cc.
// Source: TensorFlow Lite's reference kernel: tanh(x) = 2 / (1 + exp(-2 x)) - 1.
#include "nn/operators/operators.h"
#include "nn/operators/support/wide_curve.h"

namespace stapes {
namespace {

constexpr int kBits = 8;  // of twice the input below a line of the table

const char* Prepare(PrepareContext& context) { return PrepareWideCurve(context, 2); }

// Steps of 1/12288 -> Q0.15.
int32_t Tanh(int32_t x) {
  const auto magnitude = static_cast<uint32_t>(x < 0 ? -x : x);
  const auto upper = static_cast<int32_t>(SigmoidAt(magnitude, kBits, 0xffff));
  constexpr int32_t kOneHalf = 1 << (15 + kBits);
  constexpr int32_t kRound = 1 << (kBits - 1);
  const int32_t rounded = x >= 0 ? upper - kOneHalf + kRound : kOneHalf - upper + kRound - 1;
  return rounded >> kBits;
}

void Invoke(const InvokeContext& context) { InvokeWideCurve(context, Tanh); }

using WideTanh = Wide<kOperatorTanh, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideTanh = {28, "TANH", WideTanh::Prepare, WideTanh::Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// LOGISTIC of int16, the output's scale 1/32768; int8 as logistic.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/operators/operators.h"
#include "nn/operators/support/wide_curve.h"

namespace stapes {
namespace {

constexpr int kBits = 9;  // of the input below a line of the table

const char* Prepare(PrepareContext& context) { return PrepareWideCurve(context, 1); }

// Steps of 1/12288 -> Q0.15.
int32_t Logistic(int32_t x) {
  const auto magnitude = static_cast<uint32_t>(x < 0 ? -x : x);
  const uint32_t upper = SigmoidAt(magnitude, kBits, 0x7fff << 1);
  constexpr uint32_t kHalf = uint32_t{1} << kBits;
  const uint32_t rounded =
      x >= 0 ? upper + kHalf : (uint32_t{1} << (16 + kBits)) - upper + kHalf - 1;
  return static_cast<int32_t>(rounded >> (kBits + 1));
}

void Invoke(const InvokeContext& context) { InvokeWideCurve(context, Logistic); }

using WideLogistic = Wide<kOperatorLogistic, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideLogistic = {14, "LOGISTIC", WideLogistic::Prepare,
                                               WideLogistic::Invoke};

}  // namespace stapes

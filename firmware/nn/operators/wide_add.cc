// SPDX-License-Identifier: Apache-2.0
// ADD of int16; int8 as add.cc.
// Source: TensorFlow Lite's reference kernel, whose inputs are shifted up by 15 bits here.
#include "nn/operators/operators.h"
#include "nn/operators/support/add_sub.h"
#include "nn/operators/support/wide.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<AddSubData>();
  const AddScaling& scaling = data.scaling;
  CombinePairs<int16_t>(context, data.pairing, [&](int32_t a, int32_t b) {
    const int32_t first = Requantize(WrappingShiftLeft(a, kWideAddShift), scaling.first);
    const int32_t second = Requantize(WrappingShiftLeft(b, kWideAddShift), scaling.second);
    const int32_t sum = Requantize(WrappingAdd(first, second), scaling.output);
    return static_cast<int16_t>(Clamp(sum, scaling.low, scaling.high));
  });
}

using WideAdd = Wide<kOperatorAdd, PrepareAddSub<WideActivations, kWideAddShift>, Invoke>;

}  // namespace

extern const Operator kOperatorWideAdd = {0, "ADD", WideAdd::Prepare, WideAdd::Invoke};

}  // namespace stapes

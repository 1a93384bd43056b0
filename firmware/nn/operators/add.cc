// SPDX-License-Identifier: Apache-2.0
// ADD: sum of two inputs, broadcast where shapes differ, int8.
#include "nn/kernels/down_scale.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/add_sub.h"

namespace stapes {
namespace {

// The multiplier of the input with the larger scale: its terms need a shift alone.
bool IsHalf(Multiplier multiplier) {
  return multiplier.value == int32_t{1} << 30 && multiplier.shift == 0;
}

// Inputs of equal shapes and different scales, the usual case in a residual network.
bool AddInFewInstructions(const InvokeContext& context, const AddSubData& data) {
  const bool first_is_half = IsHalf(data.first);
  const Multiplier other = first_is_half ? data.second : data.first;
  if (!kHasDownScale || data.pairing.steps != PersistentMemory::kNone ||
      !(first_is_half || IsHalf(data.second)) || !ScalesDown(other.shift) ||
      !ScalesDown(data.output.shift)) {
    return false;
  }
  const int8_t* halved = context.Input<int8_t>(first_is_half ? 0 : 1);
  const int8_t* scaled = context.Input<int8_t>(first_is_half ? 1 : 0);
  const int32_t halved_offset = first_is_half ? data.first_offset : data.second_offset;
  const int32_t scaled_offset = first_is_half ? data.second_offset : data.first_offset;
  const DownScale scale = DownScale::Of(other.value, other.shift);
  const DownScale output_scale = DownScale::Of(data.output.value, data.output.shift);
  int8_t* output = context.Output<int8_t>(0);
  for (const int8_t* const end = output + data.pairing.count; output != end;) {
    const int32_t half = WrappingShiftLeft(*halved++ + halved_offset, kAddSubShift - 1);
    const int32_t term = WrappingShiftLeft(*scaled++ + scaled_offset, kAddSubShift);
    const int32_t sum = output_scale(scale(term, half), data.output_offset);
    *output++ = static_cast<int8_t>(Clamp(sum, data.low, data.high));
  }
  return true;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<AddSubData>();
  if (AddInFewInstructions(context, data)) {
    return;
  }
  CombinePairs(context, data.pairing, [&](int32_t a, int32_t b) {
    const int32_t first = AddSubTerm(a, data.first_offset, data.first);
    const int32_t second = AddSubTerm(b, data.second_offset, data.second);
    return AddSubResult(data, WrappingAdd(first, second));
  });
}

}  // namespace

extern const Operator kOperatorAdd = {0, "ADD", PrepareAddSub<>, Invoke};

}  // namespace stapes

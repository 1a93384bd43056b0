// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/add_sub.h"

#include "nn/quantization.h"

namespace stapes {
namespace {
enum OptionsField { kFusedActivation };
}

const char* PrepareAddSub(PrepareContext& context) {
  const Tensor first = context.Input(0);
  const Tensor second = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(first) || !IsQuantizedInt8(second) ||
      !IsQuantizedInt8(output)) {
    return Why("expected two int8 inputs and an int8 output with one scale each");
  }
  auto* const data = context.AllocateData<AddSubData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->first_offset = -first.quantization.ZeroPoint();
  data->second_offset = -second.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  const bool second_is_larger = IsLess(ScaleOf(first), ScaleOf(second));
  const Real twice_larger = TimesPowerOfTwo(ScaleOf(second_is_larger ? second : first), 1);
  data->first = QuantizeMultiplier(Divide(ScaleOf(first), twice_larger, kDoubleBits));
  data->second = QuantizeMultiplier(Divide(ScaleOf(second), twice_larger, kDoubleBits));
  const Real ratio =
      Divide(twice_larger, TimesPowerOfTwo(ScaleOf(output), kAddSubShift), kDoubleBits);
  // Upstream's kernels only divide here.
  data->output = QuantizeMultiplier(ratio);
  if (data->output.shift > 0) {
    return Why("scales too far apart");
  }
  const char* reason = PreparePairing(context, first, second, output, &data->pairing);
  if (reason != nullptr) {
    return reason;
  }
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return ActivationRange(activation, output, &data->low, &data->high);
}

}  // namespace stapes

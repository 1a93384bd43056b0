// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/add_sub.h"

#include "nn/quantization.h"

namespace stapes {
namespace {
enum OptionsField { kFusedActivation };
}

template <typename Activations, int32_t kShift>
const char* PrepareAddSub(PrepareContext& context) {
  const Tensor first = context.Input(0);
  const Tensor second = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !Activations::Has(first) || !Activations::Has(second) ||
      !Activations::Has(output)) {
    return Why(
        "expected two inputs and an output of int8 with one scale each, or of int16 with zero "
        "point 0");
  }
  auto* const data = context.AllocateData<AddSubData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  AddScaling* const scaling = &data->scaling;
  scaling->first_offset = -first.quantization.ZeroPoint();
  scaling->second_offset = -second.quantization.ZeroPoint();
  scaling->output_offset = output.quantization.ZeroPoint();
  const bool second_is_larger = IsLess(ScaleOf(first), ScaleOf(second));
  const Real twice_larger = TimesPowerOfTwo(ScaleOf(second_is_larger ? second : first), 1);
  scaling->first = QuantizeMultiplier(Divide(ScaleOf(first), twice_larger, kDoubleBits));
  scaling->second = QuantizeMultiplier(Divide(ScaleOf(second), twice_larger, kDoubleBits));
  const Real ratio = Divide(twice_larger, TimesPowerOfTwo(ScaleOf(output), kShift), kDoubleBits);
  // Upstream's kernels only divide here.
  scaling->output = QuantizeMultiplier(ratio);
  if (scaling->output.shift > 0) {
    return Why("scales too far apart");
  }
  const char* reason = PreparePairing(context, first, second, output, &data->pairing);
  if (reason != nullptr) {
    return reason;
  }
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return Activations::Range(activation, output, &scaling->low, &scaling->high);
}

template const char* PrepareAddSub<NarrowActivations, kAddSubShift>(PrepareContext& context);
template const char* PrepareAddSub<WideActivations, kWideAddShift>(PrepareContext& context);

}  // namespace stapes

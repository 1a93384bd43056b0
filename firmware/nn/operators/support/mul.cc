// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/mul.h"

#include "nn/quantization.h"

namespace stapes {
namespace {
enum OptionsField { kFusedActivation };
}

template <typename Activations>
const char* PrepareMul(PrepareContext& context) {
  const Tensor first = context.Input(0);
  const Tensor second = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !Activations::Has(first) || !Activations::Has(second) ||
      !Activations::Has(output)) {
    return Why(
        "expected two inputs and an output of int8 with one scale each, or of int16 with zero "
        "point 0");
  }
  auto* const data = context.AllocateData<MulData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->first_offset = -first.quantization.ZeroPoint();
  data->second_offset = -second.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  const Real product = Multiply(ScaleOf(first), ScaleOf(second), kDoubleBits);
  data->multiplier = QuantizeMultiplier(Divide(product, ScaleOf(output), kDoubleBits));
  if (data->multiplier.shift > kMaxMultiplierShift) {
    return Why("scales too far apart");
  }
  const char* reason = PreparePairing(context, first, second, output, &data->pairing);
  if (reason != nullptr) {
    return reason;
  }
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return Activations::Range(activation, output, &data->low, &data->high);
}

template const char* PrepareMul<NarrowActivations>(PrepareContext& context);
template const char* PrepareMul<WideActivations>(PrepareContext& context);

}  // namespace stapes

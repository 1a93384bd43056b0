// SPDX-License-Identifier: Apache-2.0
// MUL: product of two inputs, broadcast where shapes differ, int8.
// Source: TensorFlow Lite 8-bit quantization specification, MUL.
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/broadcast.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

enum OptionsField { kFusedActivation };

struct MulData {
  Pairing pairing;
  int32_t first_offset;
  int32_t second_offset;
  int32_t output_offset;
  int32_t low;
  int32_t high;
  Multiplier multiplier;  // float64(first) * float64(second) / float64(output)
};

const char* Prepare(PrepareContext& context) {
  const Tensor first = context.Input(0);
  const Tensor second = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(first) || !IsQuantizedInt8(second) ||
      !IsQuantizedInt8(output)) {
    return Why("expected two int8 inputs and an int8 output with one scale each");
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
  return ActivationRange(activation, output, &data->low, &data->high);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<MulData>();
  CombinePairs(context, data.pairing, [&](int32_t a, int32_t b) {
    const int32_t product = (a + data.first_offset) * (b + data.second_offset);
    const int32_t scaled = Requantize(product, data.multiplier);
    return static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), data.low, data.high));
  });
}

}  // namespace

extern const Operator kOperatorMul = {18, "MUL", Prepare, Invoke};

}  // namespace stapes

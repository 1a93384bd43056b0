// SPDX-License-Identifier: Apache-2.0
// RELU: max(input, 0) on the output's scale, int8.
// Source: TensorFlow Lite's Relu kernel.
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct ReluData {
  int32_t count;
  int32_t input_offset;
  int32_t output_offset;
  int32_t low;
  int32_t high;
  Multiplier multiplier;  // float32(input / output)
};

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (input.shape != output.shape) {
    return Why("expected equal shapes");
  }
  auto* const data = context.AllocateData<ReluData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->count = input.shape.ElementCount();
  data->input_offset = -input.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  if (!QuantizeRatio(input.quantization.ScaleBits(), kOneBits, output.quantization.ScaleBits(),
                     &data->multiplier)) {
    return Why("scales too far apart");
  }
  context.AllowInPlace(0);
  return ActivationRange(Activation::kRelu, output, &data->low, &data->high);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<ReluData>();
  const int8_t* const input = context.Input<int8_t>(0);
  int8_t* const output = context.Output<int8_t>(0);
  for (int32_t i = 0; i < data.count; ++i) {
    const int32_t scaled = Requantize(input[i] + data.input_offset, data.multiplier);
    output[i] =
        static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), data.low, data.high));
  }
}

}  // namespace

extern const Operator kOperatorRelu = {19, "RELU", Prepare, Invoke};

}  // namespace stapes

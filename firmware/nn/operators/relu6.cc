// SPDX-License-Identifier: Apache-2.0
// RELU6: min(max(input, 0), 6), int8. As upstream, input and output share one quantization.
// Source: TensorFlow Lite's Relu6 kernel.
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct Relu6Data {
  int32_t count;
  int32_t low;
  int32_t high;
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
  if (!HaveSameQuantization(input, output)) {
    return Why("input and output differ in quantization");
  }
  auto* const data = context.AllocateData<Relu6Data>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->count = input.shape.ElementCount();
  context.AllowInPlace(0);
  return ActivationRange(Activation::kRelu6, input, &data->low, &data->high);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<Relu6Data>();
  const int8_t* const input = context.Input<int8_t>(0);
  int8_t* const output = context.Output<int8_t>(0);
  for (int32_t i = 0; i < data.count; ++i) {
    output[i] = static_cast<int8_t>(Clamp(input[i], data.low, data.high));
  }
}

}  // namespace

extern const Operator kOperatorRelu6 = {21, "RELU6", Prepare, Invoke};

}  // namespace stapes

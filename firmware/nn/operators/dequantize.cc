// SPDX-License-Identifier: Apache-2.0
// DEQUANTIZE from int8, uint8 or int16 to float32, whose bits are put together from integers; not
// on boards, which take no float.
// Source: TensorFlow Lite's Dequantize kernel: float32(float64(scale) * (value - zero point)).
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/element.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct DequantizeData {
  int32_t count;
  int32_t zero_point;
  uint32_t scale_bits;
  TensorType type;
};

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  const bool is_taken = input.type == TensorType::kInt8 || input.type == TensorType::kUInt8 ||
                        input.type == TensorType::kInt16;
  if (!kTakesFloat || context.output_count() != 1 || !is_taken || !IsQuantized(input, input.type) ||
      output.type != TensorType::kFloat32) {
    return Why("expected int8, uint8 or int16 with one scale, and a float32 output");
  }
  if (input.shape != output.shape) {
    return Why("expected equal shapes");
  }
  auto* const data = context.AllocateData<DequantizeData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  *data = {input.shape.ElementCount(), input.quantization.ZeroPoint(),
           input.quantization.ScaleBits(), input.type};
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<DequantizeData>();
  const void* const input = context.Input<void>(0);
  uint32_t* const output = context.Output<uint32_t>(0);
  for (int32_t i = 0; i < data.count; ++i) {
    const int32_t steps = LoadElement(data.type, input, i) - data.zero_point;
    output[i] = 0;
    if (steps == 0) {
      continue;
    }
    const auto magnitude = static_cast<uint32_t>(steps < 0 ? -steps : steps);
    const Real product =
        Multiply(RealFromFloat(data.scale_bits), RealFromInteger(magnitude), kFloatBits);
    output[i] = FloatBits(product) | (steps < 0 ? uint32_t{1} << 31 : 0);
  }
}

}  // namespace

extern const Operator kOperatorDequantize = {6, "DEQUANTIZE", Prepare, Invoke};

}  // namespace stapes

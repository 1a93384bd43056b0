// QUANTIZE from one 8-bit quantization to another: int8 to int8 or uint8, uint8 to int8.
// Source: TensorFlow Lite's Requantize kernel.
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct QuantizeData {
  int32_t count;
  int32_t input_offset;
  int32_t output_offset;
  Multiplier multiplier;  // float64(input) / float64(output)
  bool is_unsigned_input;
  bool is_unsigned_output;
};

bool IsByte(const Tensor& tensor) {
  return IsQuantizedInt8(tensor) || IsQuantized(tensor, TensorType::kUInt8);
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsByte(input) || !IsByte(output)) {
    return "expected int8 or uint8 input and output with one scale each";
  }
  if (input.shape != output.shape) return "expected equal shapes";
  auto* const data = context.AllocateData<QuantizeData>();
  if (data == nullptr) return kArenaIsFull;
  data->count = input.shape.ElementCount();
  data->input_offset = -input.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  data->multiplier = QuantizeMultiplier(Divide(ScaleOf(input), ScaleOf(output), kDoubleBits));
  if (data->multiplier.shift > kMaxMultiplierShift) return "scales too far apart";
  data->is_unsigned_input = input.type == TensorType::kUInt8;
  data->is_unsigned_output = output.type == TensorType::kUInt8;
  if (data->is_unsigned_input && data->is_unsigned_output) return "uint8 to uint8";
  context.AllowInPlace(0);
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<QuantizeData>();
  const uint8_t* const input = context.Input<uint8_t>(0);
  uint8_t* const output = context.Output<uint8_t>(0);
  const int32_t low = data.is_unsigned_output ? 0 : INT8_MIN;
  const int32_t high = data.is_unsigned_output ? UINT8_MAX : INT8_MAX;
  for (int32_t i = 0; i < data.count; ++i) {
    const int32_t value = data.is_unsigned_input ? input[i] : static_cast<int8_t>(input[i]);
    const int32_t scaled = Requantize(value + data.input_offset, data.multiplier);
    output[i] = static_cast<uint8_t>(Clamp(WrappingAdd(scaled, data.output_offset), low, high));
  }
}

}  // namespace

extern const Operator kOperatorQuantize = {114, "QUANTIZE", Prepare, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// QUANTIZE from one quantization to another, or, off boards, from float32, which is read as bits.
// Source: TensorFlow Lite's Requantize and AffineQuantize kernels.
#include "nn/kernels/down_scale.h"
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/element.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct QuantizeData {
  int32_t count;
  int32_t input_offset;
  int32_t output_offset;
  Multiplier multiplier;  // float64(input) / float64(output)
  uint32_t scale_bits;    // of the output
  TensorType input_type;
  TensorType output_type;
};

// The pairs that upstream has; boards take no float.
bool IsTaken(TensorType from, TensorType to) {
  switch (from) {
    case TensorType::kInt8:
      return to != TensorType::kFloat32;
    case TensorType::kUInt8:
      return to == TensorType::kInt8;
    case TensorType::kInt16:
      return to == TensorType::kInt8 || to == TensorType::kInt16 || to == TensorType::kInt32;
    case TensorType::kFloat32:
      if (!kTakesFloat) {
        return false;
      }
      [[fallthrough]];
    case TensorType::kInt32:
      return to == TensorType::kInt8 || to == TensorType::kInt16;
    default:
      return false;
  }
}

const char* CheckTypes(const PrepareContext& context, const Tensor& input, const Tensor& output) {
  const bool is_float = input.type == TensorType::kFloat32;
  if (context.input_count() != 1 || context.output_count() != 1 || !input.exists ||
      !IsTaken(input.type, output.type) || ElementBytes(output.type) > sizeof(int32_t)) {
    return Why("expected int8, uint8, int16, int32 or float32 to a type that upstream has for it");
  }
  if (!IsQuantized(output, output.type) || (!is_float && !IsQuantized(input, input.type))) {
    return Why("expected one scale each");
  }
  return input.shape == output.shape ? nullptr : Why("expected equal shapes");
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (const char* reason = CheckTypes(context, input, output)) {
    return reason;
  }
  auto* const data = context.AllocateData<QuantizeData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->count = input.shape.ElementCount();
  data->output_offset = output.quantization.ZeroPoint();
  data->scale_bits = output.quantization.ScaleBits();
  data->input_type = input.type;
  data->output_type = output.type;
  context.AllowInPlace(0);
  if (input.type == TensorType::kFloat32) {
    return nullptr;
  }
  data->input_offset = -input.quantization.ZeroPoint();
  const uint32_t input_scale = input.quantization.ScaleBits();
  return QuantizeRatio(input_scale, kOneBits, data->scale_bits, &data->multiplier)
             ? nullptr
             : Why("scales too far apart");
}

// float32(value / scale) rounded to nearest, ties away from zero; far values saturate.
int32_t DivideFloat(uint32_t value, uint32_t scale_bits) {
  constexpr int64_t kFar = int64_t{1} << 30;
  const uint32_t magnitude = value & 0x7fffffff;
  if (magnitude > kInfinityBits) {
    return 0;  // not a number
  }
  if (magnitude < kLeastNormalBits) {
    return 0;  // far below any scale
  }
  int64_t steps = kFar;
  if (magnitude != kInfinityBits) {
    steps = RoundToInteger(Divide(RealFromFloat(magnitude), RealFromFloat(scale_bits), kFloatBits));
  }
  if (steps > kFar) {
    steps = kFar;
  }
  return static_cast<int32_t>(value == magnitude ? steps : -steps);
}

// The most common pair: features of 16 bits to int8.
void NarrowToInt8(const QuantizeData& data, const int16_t* input, int8_t* output) {
  const DownScale down = DownScale::Of(data.multiplier.value, data.multiplier.shift);
  const int32_t input_offset = data.input_offset;
  const int32_t output_offset = data.output_offset;
  for (const int16_t* const end = input + data.count; input != end; ++input) {
    *output++ = SaturateS8(down(*input + input_offset, output_offset));
  }
}

// Steps of the output from its zero point.
int32_t Steps(const QuantizeData& data, const void* input, int32_t index) {
  if (kTakesFloat && data.input_type == TensorType::kFloat32) {
    return DivideFloat(static_cast<const uint32_t*>(input)[index], data.scale_bits);
  }
  const int32_t value = WrappingAdd(LoadElement(data.input_type, input, index), data.input_offset);
  return RequantizeAny(value, data.multiplier.value, data.multiplier.shift);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<QuantizeData>();
  const bool is_narrowing = data.input_type == TensorType::kInt16 &&
                            data.output_type == TensorType::kInt8 &&
                            ScalesDown(data.multiplier.shift) && data.multiplier.value != 0;
  if (is_narrowing) {
    NarrowToInt8(data, context.Input<int16_t>(0), context.Output<int8_t>(0));
    return;
  }
  const void* const input = context.Input<void>(0);
  void* const output = context.Output<void>(0);
  for (int32_t i = 0; i < data.count; ++i) {
    const int32_t value = WrappingAdd(Steps(data, input, i), data.output_offset);
    StoreElement(data.output_type, value, output, i);
  }
}

}  // namespace

extern const Operator kOperatorQuantize = {114, "QUANTIZE", Prepare, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What LOGISTIC and TANH have in common: an int8 input on a Q4.27 axis, flat far from 0.
#pragma once

#include "nn/kernels/fixed_point_math.h"
#include "nn/operator.h"
#include "nn/quantization.h"

namespace stapes {

constexpr int kCurveIntegerBits = 4;

struct CurveData {
  int32_t count;
  int32_t input_offset;
  int32_t radius;         // distances to the zero point from which on the curve is flat
  Multiplier multiplier;  // input scale * 2^27
};

inline const char* PrepareCurve(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (input.shape != output.shape) {
    return Why("expected equal shapes");
  }
  auto* const data = context.AllocateData<CurveData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->count = input.shape.ElementCount();
  data->input_offset = -input.quantization.ZeroPoint();
  data->multiplier = QuantizeMultiplier(TimesPowerOfTwo(ScaleOf(input), 31 - kCurveIntegerBits));
  if (data->multiplier.shift < 0) {
    return Why("an input scale below 2^-28");
  }
  const int64_t limit = int64_t{(1 << kCurveIntegerBits) - 1} << (31 - kCurveIntegerBits);
  // Beyond shift 30 every value is on the flat part.
  const bool flat = data->multiplier.shift > kMaxMultiplierShift;
  data->radius = flat ? 0 : static_cast<int32_t>(limit >> data->multiplier.shift);
  context.AllowInPlace(0);
  return nullptr;
}

// `curve` maps Q4.27 to the int8 output, which is INT8_MIN and INT8_MAX on the flat parts.
template <typename Curve>
void InvokeCurve(const InvokeContext& context, Curve curve) {
  const auto& data = context.Data<CurveData>();
  const int8_t* const input = context.Input<int8_t>(0);
  int8_t* const output = context.Output<int8_t>(0);
  for (int32_t i = 0; i < data.count; ++i) {
    const int32_t value = input[i] + data.input_offset;
    if (value <= -data.radius) {
      output[i] = INT8_MIN;
    } else if (value >= data.radius) {
      output[i] = INT8_MAX;
    } else {
      output[i] =
          static_cast<int8_t>(Clamp(curve(Requantize(value, data.multiplier)), INT8_MIN, INT8_MAX));
    }
  }
}

}  // namespace stapes

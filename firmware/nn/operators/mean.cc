// SPDX-License-Identifier: Apache-2.0
// MEAN over constant axes, int8.
// Source: TensorFlow Lite 8-bit quantization specification, MEAN; rounding as upstream's
// QuantizedMeanOrSum, which folds the division into the multiplier.
#include <cstring>

#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/axis.h"
#include "nn/operators/support/strided_copy.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct MeanData {
  int32_t dims[Shape::kMaxRank];          // of the input, padded in front
  int32_t output_steps[Shape::kMaxRank];  // 0 along axes that are averaged
  int32_t run;                            // values in a row, each of another mean
  int32_t input_count;
  int32_t output_count;
  int32_t sum_offset;  // what the zero point adds up to, negated
  int32_t output_offset;
  Multiplier multiplier;  // float64(input) / float64(output) / values per mean
};

// Marks the axes to average; false if one does not exist.
bool ReadAxes(const Tensor& axes, const Shape& input, bool averaged[Shape::kMaxRank]) {
  if (!IsInt32List(axes, axes.shape.ElementCount())) {
    return false;
  }
  for (int32_t i = 0; i < axes.shape.ElementCount(); ++i) {
    const int32_t axis = ResolveAxis(Int32At(axes, i), input);
    if (axis < 0) {
      return false;
    }
    averaged[PaddedPlace(input, axis)] = true;
  }
  return true;
}

// Division by `count` inside the multiplier, keeping as many bits as fit.
Multiplier DividedBy(Multiplier multiplier, int32_t count) {
  int32_t shift = 31 - __builtin_clz(static_cast<uint32_t>(count));
  if (shift > 31 + multiplier.shift) {
    shift = 31 + multiplier.shift;
  }
  const int64_t significand = (int64_t{multiplier.value} << shift) / count;
  return {static_cast<int32_t>(significand), multiplier.shift - shift};
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each");
  }
  bool averaged[Shape::kMaxRank] = {};
  if (!ReadAxes(context.Input(1), input.shape, averaged)) {
    return Why("expected constant axes of the input");
  }
  auto* const data = context.AllocateData<MeanData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  PaddedDims(input.shape, data->dims);
  int32_t step = 1;
  for (int d = Shape::kMaxRank - 1; d >= 0; --d) {
    data->output_steps[d] = averaged[d] ? 0 : step;
    if (!averaged[d]) {
      step *= data->dims[d];
    }
  }
  data->run = 1;
  for (int d = Shape::kMaxRank - 1; d >= 0 && !averaged[d]; --d) {
    data->run *= data->dims[d];
    data->dims[d] = 1;
  }
  data->input_count = input.shape.ElementCount();
  data->output_count = step;
  if (output.shape.ElementCount() != step) {
    return Why("the output's shape does not follow from the axes");
  }
  const int32_t per_mean = data->input_count / step;
  data->sum_offset = WrappingMultiply(-input.quantization.ZeroPoint(), per_mean);
  data->output_offset = output.quantization.ZeroPoint();
  Multiplier whole;
  if (!QuantizeRatio(input.quantization.ScaleBits(), kOneBits, output.quantization.ScaleBits(),
                     &whole)) {
    return Why("scales too far apart");
  }
  data->multiplier = DividedBy(whole, per_mean);
  context.RequestScratch(static_cast<uint32_t>(step) * uint32_t{sizeof(uint32_t)});
  return nullptr;
}

void AddUp(const MeanData& data, const int8_t* input, uint32_t* sums) {
  int32_t index[Shape::kMaxRank] = {};
  int32_t to = 0;
  for (int32_t i = 0; i < data.input_count; i += data.run) {
    for (int32_t r = 0; r < data.run; ++r) {
      sums[to + r] += static_cast<uint32_t>(input[i + r]);
    }
    for (int d = Shape::kMaxRank - 1; d >= 0; --d) {
      to += data.output_steps[d];
      if (++index[d] < data.dims[d]) {
        break;
      }
      to -= data.output_steps[d] * data.dims[d];
      index[d] = 0;
    }
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<MeanData>();
  uint32_t* const sums = context.Scratch<uint32_t>();
  int8_t* const output = context.Output<int8_t>(0);
  std::memset(sums, 0, static_cast<std::size_t>(data.output_count) * sizeof(uint32_t));
  AddUp(data, context.Input<int8_t>(0), sums);
  for (int32_t i = 0; i < data.output_count; ++i) {
    const int32_t sum = WrappingAdd(static_cast<int32_t>(sums[i]), data.sum_offset);
    const int32_t scaled = Requantize(sum, data.multiplier);
    output[i] =
        static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), INT8_MIN, INT8_MAX));
  }
}

}  // namespace

extern const Operator kOperatorMean = {40, "MEAN", Prepare, Invoke};

}  // namespace stapes

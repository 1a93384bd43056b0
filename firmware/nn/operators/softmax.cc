// SPDX-License-Identifier: Apache-2.0
// SOFTMAX over the last dimension, int8 in, int8 or int16 out. The output's scale is 1/256 or
// 1/65536, its zero point the lowest value.
// Source: TensorFlow Lite 8-bit quantization specification, SOFTMAX; arithmetic of gemmlowp.
#include "nn/kernels/fixed_point_math.h"
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

enum OptionsField { kBeta };

// Differences to the largest value are Q5.26, sums of exponentials Q12.19.
constexpr int kDifferenceIntegerBits = 5;
constexpr int kSumIntegerBits = 12;
constexpr int32_t kDifferenceRadius = ((1 << kDifferenceIntegerBits) - 1)
                                      << (31 - kDifferenceIntegerBits);
// Sums of more terms could leave the range that the reference accepts.
constexpr int32_t kMaxDepth = 511;
constexpr uint32_t kScaleOf256th = 0x3b800000;    // 1/256 as float32
constexpr uint32_t kScaleOf65536th = 0x37800000;  // 1/65536
constexpr uint32_t kTolerance = 0x800000 / 1000;  // of kScaleOf65536th, as upstream's

struct SoftmaxData {
  int32_t rows;
  int32_t depth;
  int32_t significand;  // of scale * beta, Q0.31
  int32_t left_shift;
  int32_t least_difference;  // what lies further below the largest value counts as 0
  TensorType output_type;
};

// min(beta * scale * 2^26, 2^31 - 1), in float64.
const char* PrepareMultiplier(uint32_t beta, const Tensor& input, SoftmaxData* data) {
  if (!IsScale(beta)) {
    return Why("beta is not a positive number from 2^-60 to 2^60");
  }
  Multiplier multiplier =
      QuantizeMultiplier(Multiply(RealFromFloat(beta), ScaleOf(input), kDoubleBits));
  multiplier.shift += 31 - kDifferenceIntegerBits;
  if (multiplier.shift > 31) {
    multiplier = {INT32_MAX, 31};
  }
  if (multiplier.value == 0 || multiplier.shift < 1) {
    return Why("beta * scale is below 2^-26");
  }
  data->significand = multiplier.value;
  data->left_shift = multiplier.shift;
  data->least_difference = -(kDifferenceRadius >> multiplier.shift);
  return nullptr;
}

bool HasOutputRange(const Quantization& quantization, bool is_wide) {
  const uint32_t scale = quantization.ScaleBits();
  if (!is_wide) {
    return scale == kScaleOf256th && quantization.ZeroPoint() == INT8_MIN;
  }
  return scale + kTolerance - kScaleOf65536th <= 2 * kTolerance &&
         quantization.ZeroPoint() == INT16_MIN;
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  const bool is_wide = output.type == TensorType::kInt16;
  if (context.output_count() != 1 || !IsQuantizedInt8(input) ||
      !IsQuantized(output, is_wide ? TensorType::kInt16 : TensorType::kInt8)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (input.shape != output.shape || input.shape.rank == 0) {
    return Why("expected equal shapes");
  }
  if (!HasOutputRange(output.quantization, is_wide)) {
    return Why("expected output scale 1/256 and zero point -128 (int16: 1/65536, -32768)");
  }
  auto* const data = context.AllocateData<SoftmaxData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->depth = input.shape.Last();
  if (data->depth > kMaxDepth) {
    return Why("softmax over more than 511 values");
  }
  data->output_type = output.type;
  data->rows = input.shape.ElementCount() / data->depth;
  context.RequestScratch(static_cast<uint32_t>(data->depth) * uint32_t{sizeof(int32_t)});
  context.AllowInPlace(0);
  return PrepareMultiplier(context.options().Get<uint32_t>(kBeta, 0), input, data);
}

// exp((value - largest) * scale * beta), Q0.31; 0 for values too far below.
int32_t Exponential(const SoftmaxData& data, int32_t difference) {
  if (difference < data.least_difference) {
    return 0;
  }
  const int32_t scaled =
      MultiplyHighQ31(WrappingShiftLeft(difference, data.left_shift), data.significand);
  return ExpOfNegative(scaled, kDifferenceIntegerBits);
}

void SoftmaxRow(const SoftmaxData& data, const int8_t* input, int32_t* exponentials, void* output) {
  int32_t largest = INT8_MIN;
  for (int32_t i = 0; i < data.depth; ++i) {
    largest = input[i] > largest ? input[i] : largest;
  }
  int32_t sum = 0;
  for (int32_t i = 0; i < data.depth; ++i) {
    exponentials[i] = Exponential(data, input[i] - largest);
    sum += RoundingShiftRight(exponentials[i], kSumIntegerBits);
  }
  const int headroom = __builtin_clz(static_cast<uint32_t>(sum));
  const uint32_t fraction = (static_cast<uint32_t>(sum) << headroom) - (uint32_t{1} << 31);
  const int32_t reciprocal = OneOverOnePlus(static_cast<int32_t>(fraction));
  const bool is_wide = data.output_type == TensorType::kInt16;
  const int32_t shift = kSumIntegerBits - headroom + 31 - (is_wide ? 16 : 8);
  const int32_t lowest = is_wide ? INT16_MIN : INT8_MIN;
  for (int32_t i = 0; i < data.depth; ++i) {
    // Both factors are positive, so only the upper bound can be passed.
    const int32_t share = RoundingShiftRight(MultiplyHighQ31(reciprocal, exponentials[i]), shift);
    const int32_t value = share > ~lowest - lowest ? ~lowest : share + lowest;
    if (is_wide) {
      static_cast<int16_t*>(output)[i] = static_cast<int16_t>(value);
    } else {
      static_cast<int8_t*>(output)[i] = static_cast<int8_t>(value);
    }
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<SoftmaxData>();
  const int32_t output_bytes = data.depth * (data.output_type == TensorType::kInt16 ? 2 : 1);
  for (int32_t row = 0; row < data.rows; ++row) {
    SoftmaxRow(data, context.Input<int8_t>(0) + row * data.depth, context.Scratch<int32_t>(),
               context.Output<uint8_t>(0) + row * output_bytes);
  }
}

}  // namespace

extern const Operator kOperatorSoftmax = {25, "SOFTMAX", Prepare, Invoke};

}  // namespace stapes

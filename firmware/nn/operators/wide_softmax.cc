// SPDX-License-Identifier: Apache-2.0
// SOFTMAX with int16 in and out, the output's scale 1/32768; int8 inputs as softmax.cc.
// Source: TensorFlow Lite's reference kernel SoftmaxInt16.
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/exponential_table.h"
#include "nn/operators/support/wide.h"

namespace stapes {
namespace {

enum OptionsField { kBeta };

constexpr int32_t kMaxDepth = 65535;              // sums of more terms would not fit
constexpr uint32_t kScaleOf32768th = 0x38000000;  // 1/32768 as float32
constexpr uint32_t kTolerance = 0x800000 / 1000;  // of kScaleOf32768th, as upstream's
constexpr int32_t kMaxShift = 15;                 // differences have 16 bits

struct WideSoftmaxData {
  int32_t rows;
  int32_t depth;
  Multiplier multiplier;  // of differences, to steps of 10/65535
};

const char* PrepareMultiplier(uint32_t beta, const Tensor& input, Multiplier* multiplier) {
  if (!IsScale(beta)) {
    return Why("beta is not a positive number from 2^-60 to 2^60");
  }
  const Real step = Divide(RealFromInteger(10), RealFromInteger(65535), kDoubleBits);
  const Real product = Multiply(ScaleOf(input), RealFromFloat(beta), kDoubleBits);
  *multiplier = QuantizeMultiplier(Divide(product, step, kDoubleBits));
  return multiplier->shift <= kMaxShift ? nullptr : Why("beta * scale is above 5");
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt16(input) || !IsQuantizedInt16(output)) {
    return Why("expected int16 input and output with one scale each and zero point 0");
  }
  const uint32_t scale = output.quantization.ScaleBits();
  if (scale + kTolerance - kScaleOf32768th > 2 * kTolerance) {
    return Why("expected output scale 1/32768");
  }
  if (input.shape != output.shape || input.shape.rank == 0 || input.shape.Last() > kMaxDepth) {
    return Why("expected equal shapes, rows of at most 65535 values");
  }
  auto* const data = context.AllocateData<WideSoftmaxData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->depth = input.shape.Last();
  data->rows = input.shape.ElementCount() / data->depth;
  context.AllowInPlace(0);
  return PrepareMultiplier(context.options().Get<uint32_t>(kBeta, 0), input, &data->multiplier);
}

// 1 / sum as significand, Q0.15, of 2^(headroom - 16).
int32_t Reciprocal(uint32_t sum, int headroom) {
  const auto x = static_cast<int32_t>(((uint64_t{sum} << (headroom - 1)) + (1 << 13)) >> 14);
  return kReciprocalTable.At(Clamp(x - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX));
}

// The exponentials lie in the output until they are scaled.
void SoftmaxRow(const WideSoftmaxData& data, const int16_t* input, int16_t* output) {
  int32_t largest = INT16_MIN;
  for (int32_t i = 0; i < data.depth; ++i) {
    largest = input[i] > largest ? input[i] : largest;
  }
  uint32_t sum = 0;  // Q16.15, never 0: the largest has the exponential 1
  for (int32_t i = 0; i < data.depth; ++i) {
    const int32_t scaled = Requantize(input[i] - largest, data.multiplier);
    output[i] = static_cast<int16_t>(
        kExpTable.At(Clamp(WrappingAdd(scaled, INT16_MAX), INT16_MIN, INT16_MAX)));
    sum += static_cast<uint32_t>(output[i]);
  }
  const int headroom = __builtin_clz(sum);
  const int64_t reciprocal = Reciprocal(sum, headroom);
  const int shift = 31 - headroom;
  for (int32_t i = 0; i < data.depth; ++i) {
    const auto share =
        static_cast<int32_t>((output[i] * reciprocal + (int64_t{1} << (shift - 1))) >> shift);
    output[i] = static_cast<int16_t>(Clamp(share, 0, INT16_MAX));
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<WideSoftmaxData>();
  for (int32_t row = 0; row < data.rows; ++row) {
    SoftmaxRow(data, context.Input<int16_t>(0) + row * data.depth,
               context.Output<int16_t>(0) + row * data.depth);
  }
}

using WideSoftmax = Wide<kOperatorSoftmax, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideSoftmax = {25, "SOFTMAX", WideSoftmax::Prepare,
                                              WideSoftmax::Invoke};

}  // namespace stapes

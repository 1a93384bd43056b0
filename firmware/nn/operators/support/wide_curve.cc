// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/wide_curve.h"

#include "nn/operators/support/constant_exp.h"

namespace stapes {
namespace {

// 2^16 / (1 + exp(-place / 24)).
constexpr double Sigmoid(double place) { return 65536 / (1 + ConstantExp(-place / 24)); }

// To the nearest integer, of a number above 0.
constexpr uint16_t Rounded(double value) {
  return static_cast<uint16_t>((static_cast<uint32_t>(2 * value) + 1) / 2);
}

// The curve is bent: entries are raised by half of what a straight line to the next one misses in
// the middle. The last one is where the curve is taken for flat.
constexpr SigmoidTable FillSigmoid() {
  SigmoidTable table = {};
  for (uint32_t i = 0; i < kSigmoidLines; ++i) {
    const double place = i;
    const double missed = Sigmoid(place + 0.5) - (Sigmoid(place) + Sigmoid(place + 1)) / 2;
    table.values[i] = Rounded(Sigmoid(place) + missed / 2);
  }
  table.values[kSigmoidLines] = UINT16_MAX;
  return table;
}

constexpr uint32_t kMantissaBits = 23;
constexpr uint32_t kScaleOf4096th = 0x39800000;  // 2^-12 as float32
constexpr uint32_t kScaleOf32768th = 0x38000000;
constexpr int kFactorBits = 15;
constexpr uint64_t kLargestFactor = 32767;
constexpr int32_t kMaxShift = 31;

// Upstream takes a scale for a power of two when the logarithm is within 0.001 of a whole number.
bool IsAbout(uint32_t scale, uint32_t power) {
  constexpr uint32_t kBelow = 11624;  // (1 - 2^-0.001) 2^24
  constexpr uint32_t kAbove = 5816;   // (2^0.001 - 1) 2^23
  return scale + kBelow >= power && scale <= power + kAbove;
}

// scale * 12288 in 15 bits and a shift, both cut as upstream cuts them.
const char* PrepareFactor(const Tensor& input, WideCurveData* data) {
  const Real factor = Multiply(ScaleOf(input), RealFromInteger(3 * 4096), kDoubleBits);
  // The mantissa is a number of 64 bits.
  int32_t shift = kFactorBits - 64 - factor.exponent;
  uint64_t cut = 64 - kFactorBits;
  if (factor.mantissa > kLargestFactor << cut) {
    --shift;
    ++cut;
  }
  if (shift < 0) {
    return Why("an input scale above 2.6");
  }
  if (shift > kMaxShift) {
    cut += static_cast<uint64_t>(shift - kMaxShift);
    shift = kMaxShift;
  }
  data->multiplier = cut < 64 ? static_cast<int32_t>(factor.mantissa >> cut) : 0;
  data->shift = shift;
  return data->multiplier != 0 ? nullptr : Why("an input scale below 2^-44");
}

constexpr SigmoidTable kSigmoid = FillSigmoid();

}  // namespace

extern const SigmoidTable kSigmoidTable = kSigmoid;

const char* PrepareWideCurve(PrepareContext& context, int32_t exact_shifts) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt16(input) || !IsQuantizedInt16(output)) {
    return Why("expected int16 input and output with one scale each and zero point 0");
  }
  if (!IsAbout(output.quantization.ScaleBits(), kScaleOf32768th)) {
    return Why("expected output scale 1/32768");
  }
  if (input.shape != output.shape) {
    return Why("expected equal shapes");
  }
  auto* const data = context.AllocateData<WideCurveData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->count = input.shape.ElementCount();
  context.AllowInPlace(0);
  for (int32_t i = 0; i < exact_shifts; ++i) {
    const uint32_t power = kScaleOf4096th + (static_cast<uint32_t>(i) << kMantissaBits);
    if (IsAbout(input.quantization.ScaleBits(), power)) {
      data->multiplier = 3 << i;
      return nullptr;
    }
  }
  return PrepareFactor(input, data);
}

}  // namespace stapes

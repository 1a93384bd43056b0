// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/wide.h"

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

constexpr uint32_t kSixBits = 0x40c00000;  // float32 6

// float32(value / scale), rounded away from zero at ties; INT16_MAX + 1 where it is more than that.
int32_t StepsOf(uint32_t value_bits, const Tensor& output) {
  const int64_t steps =
      RoundToInteger(Divide(RealFromFloat(value_bits), ScaleOf(output), kFloatBits));
  return steps > INT16_MAX ? INT16_MAX + 1 : static_cast<int32_t>(steps);
}

int32_t AtMostHighest(int32_t steps) { return steps > INT16_MAX ? INT16_MAX : steps; }

}  // namespace

const char* WideActivationRange(Activation activation, const Tensor& output, int32_t* low,
                                int32_t* high) {
  *low = activation == Activation::kNone ? INT16_MIN : 0;
  *high = INT16_MAX;
  switch (activation) {
    case Activation::kNone:
    case Activation::kRelu:
      return nullptr;
    case Activation::kRelu6:
      *high = AtMostHighest(StepsOf(kSixBits, output));
      return nullptr;
    case Activation::kReluN1To1:
      *low = -StepsOf(kOneBits, output);
      *high = AtMostHighest(-*low);
      return nullptr;
    default:
      return Why("a fused activation other than NONE, RELU, RELU6, RELU_N1_TO_1");
  }
}

}  // namespace stapes

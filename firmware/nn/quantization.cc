// SPDX-License-Identifier: Apache-2.0
#include "nn/quantization.h"

#include <cstring>

#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

bool HasUsableScales(const Tensor& tensor) {
  const Quantization& quantization = tensor.quantization;
  for (uint32_t i = 0; i < quantization.scales.size(); ++i) {
    if (!IsScale(quantization.ScaleBits(i))) {
      return false;
    }
  }
  return quantization.scales.size() != 0 && quantization.zero_points.size() != 0;
}

constexpr uint32_t kSixBits = 0x40c00000;  // float32 6

// float32(value / scale), rounded away from zero at ties; some number beyond any int8 range for
// larger ones.
int32_t StepsOf(uint32_t value_bits, const Tensor& output) {
  const Multiplier steps =
      QuantizeMultiplier(Divide(RealFromFloat(value_bits), ScaleOf(output), kFloatBits));
  if (steps.shift < 0) {
    return 0;
  }
  return steps.shift > 10 ? 1 << 10 : ((steps.value >> (30 - steps.shift)) + 1) >> 1;
}

}  // namespace

bool IsQuantized(const Tensor& tensor, TensorType type) {
  return tensor.exists && tensor.type == type && tensor.quantization.scales.size() == 1 &&
         HasUsableScales(tensor);
}

bool IsSymmetricWeights(const Tensor& tensor, TensorType type, int32_t dimension) {
  const Quantization& quantization = tensor.quantization;
  if (!tensor.exists || tensor.type != type || !tensor.is_constant()) {
    return false;
  }
  if (!HasUsableScales(tensor) || !quantization.IsSymmetric()) {
    return false;
  }
  if (quantization.scales.size() == 1) {
    return true;
  }
  return dimension < tensor.shape.rank && quantization.dimension == dimension &&
         quantization.scales.size() == static_cast<uint32_t>(tensor.shape.Dim(dimension));
}

bool IsInt32List(const Tensor& tensor, int32_t count) {
  return tensor.exists && tensor.type == TensorType::kInt32 && tensor.is_constant() &&
         tensor.shape.ElementCount() == count;
}

int32_t Int32At(const Tensor& tensor, int32_t index) {
  int32_t value;
  std::memcpy(&value, tensor.constant.data() + 4 * index, sizeof(value));
  return value;
}

bool IsBias(const Tensor& tensor, int32_t count) {
  return !tensor.exists || IsInt32List(tensor, count);
}

bool HaveSameQuantization(const Tensor& a, const Tensor& b) {
  return a.quantization.ScaleBits() == b.quantization.ScaleBits() &&
         a.quantization.ZeroPoint() == b.quantization.ZeroPoint();
}

Real ScaleOf(const Tensor& tensor, uint32_t index) {
  return RealFromFloat(tensor.quantization.ScaleBits(index));
}

const char* ActivationRange(Activation activation, const Tensor& output, int32_t* low,
                            int32_t* high) {
  const int32_t zero_point = output.quantization.ZeroPoint();
  *low = INT8_MIN;
  *high = INT8_MAX;
  switch (activation) {
    case Activation::kNone:
      return nullptr;
    case Activation::kRelu:
      *low = zero_point;
      return nullptr;
    case Activation::kReluN1To1:
    case Activation::kRelu6: {
      const bool is_relu6 = activation == Activation::kRelu6;
      const int32_t steps = StepsOf(is_relu6 ? kSixBits : kOneBits, output);
      *low = Clamp(is_relu6 ? zero_point : zero_point - steps, INT8_MIN, INT8_MAX);
      *high = Clamp(zero_point + steps, INT8_MIN, INT8_MAX);
      return nullptr;
    }
    default:
      return Why("a fused activation other than NONE, RELU, RELU6, RELU_N1_TO_1");
  }
}

}  // namespace stapes

#include "nn/quantization.h"

#include <cstring>

namespace stapes {
namespace {

bool HasUsableScales(const Tensor& tensor) {
  const Quantization& quantization = tensor.quantization;
  for (uint32_t i = 0; i < quantization.scales.size(); ++i) {
    if (!IsScale(quantization.ScaleBits(i))) return false;
  }
  return quantization.scales.size() != 0 && quantization.zero_points.size() != 0;
}

// float32(value / scale), rounded away from zero at ties, with the zero point added.
int64_t QuantizeInteger(int32_t value, const Tensor& output) {
  const int32_t zero_point = output.quantization.ZeroPoint();
  if (value == 0) return zero_point;
  const Real magnitude = RealFromInteger(static_cast<uint32_t>(value < 0 ? -value : value));
  const int64_t steps = RoundToInteger(Divide(magnitude, ScaleOf(output), kFloatBits));
  return zero_point + (value < 0 ? -steps : steps);
}

}  // namespace

bool IsQuantized(const Tensor& tensor, TensorType type) {
  return tensor.exists && tensor.type == type &&
         tensor.quantization.scales.size() == 1 && HasUsableScales(tensor);
}

bool IsSymmetricWeights(const Tensor& tensor, TensorType type, int32_t dimension) {
  const Quantization& quantization = tensor.quantization;
  if (!tensor.exists || tensor.type != type || !tensor.is_constant()) return false;
  if (!HasUsableScales(tensor) || !quantization.IsSymmetric()) return false;
  if (quantization.scales.size() == 1) return true;
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
  int64_t least = INT8_MIN;
  int64_t most = INT8_MAX;
  switch (activation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      least = QuantizeInteger(0, output);
      break;
    case Activation::kReluN1To1:
      least = QuantizeInteger(-1, output);
      most = QuantizeInteger(1, output);
      break;
    case Activation::kRelu6:
      least = QuantizeInteger(0, output);
      most = QuantizeInteger(6, output);
      break;
    default:
      return "a fused activation other than NONE, RELU, RELU6, RELU_N1_TO_1";
  }
  *low = static_cast<int32_t>(least < INT8_MIN ? INT8_MIN : least);
  *high = static_cast<int32_t>(most > INT8_MAX ? INT8_MAX : most);
  return nullptr;
}

}  // namespace stapes

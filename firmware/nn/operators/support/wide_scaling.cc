// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/wide_scaling.h"

namespace stapes {
namespace {

constexpr int kBias = 2;
constexpr int32_t kMaxShift64 = 7;  // of the reference

bool IsWideBias(const Tensor& bias, int32_t count) {
  return IsBias(bias, count) || (bias.type == TensorType::kInt64 && bias.is_constant() &&
                                 bias.shape.ElementCount() == count);
}

WideSums SumsOf(const PrepareContext& context, int bias_type_field) {
  const Tensor bias = context.Input(kBias);
  TensorType type = bias.exists ? bias.type : TensorType::kInt64;
  if (!bias.exists && bias_type_field != kNoBiasType) {
    type = static_cast<TensorType>(context.options().Get<int8_t>(bias_type_field, 0));
  }
  return type == TensorType::kInt32 ? WideSums::k32 : WideSums::k64;
}

}  // namespace

const char* CheckWideTensors(const PrepareContext& context, const WeighedTensors& tensors,
                             int32_t rank, int32_t channel_dimension) {
  const Tensor& weights = tensors.weights;
  if (context.output_count() != 1 || !IsQuantizedInt16(tensors.input) ||
      !IsQuantizedInt16(tensors.output)) {
    return Why("expected int16 input and output with one scale each and zero point 0");
  }
  if (weights.shape.rank != rank ||
      !IsSymmetricWeights(weights, TensorType::kInt8, channel_dimension)) {
    return Why("expected constant int8 weights, zero point 0, one scale or one per output channel");
  }
  return IsWideBias(context.Input(kBias), weights.shape.Dim(channel_dimension))
             ? nullptr
             : Why("expected an int64 or int32 bias value per output channel");
}

const char* PrepareWideScaling(PrepareContext& context, const WeighedTensors& tensors,
                               WideOptions options, WideChannelScaling* scaling) {
  const Quantization& weights = tensors.weights.quantization;
  const uint32_t count = weights.scales.size();
  scaling->channel_step = count > 1 ? 1 : 0;
  scaling->sums = SumsOf(context, options.bias_type);
  scaling->significands = context.AllocatePersistent(count * uint32_t{sizeof(int32_t)});
  scaling->shifts = context.AllocatePersistent(count);
  if (scaling->significands == PersistentMemory::kNone ||
      scaling->shifts == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  for (uint32_t i = 0; i < count; ++i) {
    Multiplier multiplier;
    if (!QuantizeRatio(tensors.input.quantization.ScaleBits(), weights.ScaleBits(i),
                       tensors.output.quantization.ScaleBits(), &multiplier) ||
        (scaling->sums == WideSums::k64 && multiplier.shift > kMaxShift64)) {
      return Why("scales too far apart");
    }
    context.Persistent<int32_t>(scaling->significands)[i] = multiplier.value;
    context.Persistent<int8_t>(scaling->shifts)[i] = static_cast<int8_t>(multiplier.shift);
  }
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(options.activation, 0));
  return WideActivationRange(activation, tensors.output, &scaling->low, &scaling->high);
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/channel_scaling.h"

namespace stapes {

WeighedTensors ReadWeighedTensors(const PrepareContext& context) {
  return {context.Input(0), context.Input(1), context.Output(0)};
}

const char* CheckWeighedTensors(const PrepareContext& context, const WeighedTensors& tensors,
                                int32_t rank, int32_t channel_dimension) {
  const Tensor& weights = tensors.weights;
  if (context.output_count() != 1 || !IsQuantizedInt8(tensors.input) ||
      !IsQuantizedInt8(tensors.output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (weights.shape.rank != rank ||
      !IsSymmetricWeights(weights, TensorType::kInt8, channel_dimension)) {
    return Why("expected constant int8 weights, zero point 0, one scale or one per output channel");
  }
  return IsBias(context.Input(2), weights.shape.Dim(channel_dimension))
             ? nullptr
             : Why("expected an int32 bias value per output channel");
}

const char* PrepareChannelScaling(PrepareContext& context, const WeighedTensors& tensors,
                                  int activation_field, ChannelScaling* scaling) {
  const Quantization& weights = tensors.weights.quantization;
  const Quantization& output = tensors.output.quantization;
  const uint32_t count = weights.scales.size();
  scaling->channel_step = count > 1 ? 1 : 0;
  scaling->output_offset = output.ZeroPoint();
  scaling->significands = context.AllocatePersistent(count * uint32_t{sizeof(int32_t)});
  scaling->shifts = context.AllocatePersistent(count);
  if (scaling->significands == PersistentMemory::kNone ||
      scaling->shifts == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  for (uint32_t i = 0; i < count; ++i) {
    Multiplier multiplier;
    if (!QuantizeRatio(tensors.input.quantization.ScaleBits(), weights.ScaleBits(i),
                       output.ScaleBits(), &multiplier)) {
      return Why("scales too far apart");
    }
    context.Persistent<int32_t>(scaling->significands)[i] = multiplier.value;
    context.Persistent<int8_t>(scaling->shifts)[i] = static_cast<int8_t>(multiplier.shift);
  }
  scaling->fast = CanScaleFast(context.Persistent<int8_t>(scaling->shifts), count);
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(activation_field, 0));
  return ActivationRange(activation, tensors.output, &scaling->low, &scaling->high);
}

Scaling ReadScaling(const InvokeContext& context, const ChannelScaling& scaling, int bias_input) {
  return {context.Input<int32_t>(bias_input),
          context.Persistent<int32_t>(scaling.significands),
          context.Persistent<int8_t>(scaling.shifts),
          scaling.channel_step,
          scaling.output_offset,
          scaling.low,
          scaling.high,
          scaling.fast};
}

}  // namespace stapes

#include "nn/operators/channel_scaling.h"

namespace stapes {

const char* PrepareChannelScaling(PrepareContext& context, const Tensor& input,
                                  const Tensor& weights, const Tensor& output,
                                  Activation activation, SingleScale single_scale,
                                  ChannelScaling* scaling) {
  const uint32_t count = weights.quantization.scales.size();
  scaling->channel_step = count > 1 ? 1 : 0;
  scaling->output_offset = output.quantization.ZeroPoint();
  scaling->significands = context.AllocatePersistent(count * uint32_t{sizeof(int32_t)});
  scaling->shifts = context.AllocatePersistent(count);
  if (scaling->significands == PersistentMemory::kNone ||
      scaling->shifts == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  const bool in_float = count == 1 && single_scale == SingleScale::kProductInFloat;
  for (uint32_t i = 0; i < count; ++i) {
    const Multiplier multiplier =
        QuantizeRatio(input.quantization.ScaleBits(), weights.quantization.ScaleBits(i),
                      output.quantization.ScaleBits(), in_float ? kFloatBits : kDoubleBits,
                      kDoubleBits);
    if (multiplier.shift > kMaxMultiplierShift) return "scales too far apart";
    context.Persistent<int32_t>(scaling->significands)[i] = multiplier.value;
    context.Persistent<int8_t>(scaling->shifts)[i] = static_cast<int8_t>(multiplier.shift);
  }
  scaling->fast = CanScaleFast(context.Persistent<int8_t>(scaling->shifts), count);
  return ActivationRange(activation, output, &scaling->low, &scaling->high);
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

// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/pool_2d.h"

#include "nn/quantization.h"

namespace stapes {
namespace {
enum OptionsField {
  kPadding,
  kStrideWidth,
  kStrideHeight,
  kFilterWidth,
  kFilterHeight,
  kFusedActivation
};
}  // namespace

template <typename Activations>
const char* PreparePool(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  const FlatTable& options = context.options();
  if (context.output_count() != 1 || !Activations::Has(input) || !Activations::Has(output)) {
    return Why(
        "expected input and output of int8 with one scale each, or of int16 with zero point 0");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("input and output differ in quantization");
  }
  auto* const data = context.AllocateData<PoolData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->window.kernel_height = options.Get<int32_t>(kFilterHeight, 0);
  data->window.kernel_width = options.Get<int32_t>(kFilterWidth, 0);
  data->window.stride_height = options.Get<int32_t>(kStrideHeight, 0);
  data->window.stride_width = options.Get<int32_t>(kStrideWidth, 0);
  data->window.dilation_height = 1;
  data->window.dilation_width = 1;
  const auto padding = static_cast<Padding>(options.Get<int8_t>(kPadding, 0));
  if (const char* reason = FitWindow(padding, input.shape, output.shape, &data->window)) {
    return reason;
  }
  if (input.shape.Dim(3) != output.shape.Dim(3)) {
    return Why("input and output differ in channels");
  }
  const auto activation = static_cast<Activation>(options.Get<int8_t>(kFusedActivation, 0));
  return Activations::Range(activation, output, &data->low, &data->high);
}

template const char* PreparePool<NarrowActivations>(PrepareContext& context);
template const char* PreparePool<WideActivations>(PrepareContext& context);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// PAD: values of real 0 around the input, int8.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/strided_copy.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

struct PadData {
  StridedCopy copy;
  int32_t count;  // of the output
  int32_t fill;
};

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor paddings = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.input_count() != 2 || context.output_count() != 1 || !IsQuantizedInt8(input) ||
      !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each, and paddings");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("input and output differ in quantization");
  }
  const int32_t rank = input.shape.rank;
  if (output.shape.rank != rank || !IsInt32List(paddings, 2 * rank)) {
    return Why("expected two constant paddings per dimension");
  }
  auto* const data = context.AllocateData<PadData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  PaddedDims(input.shape, data->copy.dims);
  DenseSteps(input.shape, data->copy.input_steps);
  DenseSteps(output.shape, data->copy.output_steps);
  for (int d = 0; d < rank; ++d) {
    const int64_t before = Int32At(paddings, 2 * d);
    const int64_t after = Int32At(paddings, 2 * d + 1);
    if (before < 0 || after < 0 || before + after + input.shape.Dim(d) != output.shape.Dim(d)) {
      return Why("the output's shape does not follow from the paddings");
    }
    data->copy.output_start +=
        static_cast<int32_t>(before) * data->copy.output_steps[PaddedPlace(output.shape, d)];
  }
  data->count = output.shape.ElementCount();
  data->fill = output.quantization.ZeroPoint();
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<PadData>();
  std::memset(context.Output<int8_t>(0), data.fill, static_cast<std::size_t>(data.count));
  CopyStrided(data.copy, context.Input<int8_t>(0), context.Output<int8_t>(0));
}

}  // namespace

extern const Operator kOperatorPad = {34, "PAD", Prepare, Invoke};

}  // namespace stapes

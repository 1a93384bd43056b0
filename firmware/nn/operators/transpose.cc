// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE: dimensions in another order, int8.
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/strided_copy.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor order = context.Input(1);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("input and output differ in quantization");
  }
  if (!IsInt32List(order, input.shape.rank) || output.shape.rank != input.shape.rank) {
    return Why("expected a constant order of all dimensions");
  }
  auto* const copy = context.AllocateData<StridedCopy>();
  if (copy == nullptr) {
    return kArenaIsFull;
  }
  int32_t input_steps[Shape::kMaxRank];
  DenseSteps(input.shape, input_steps);
  DenseSteps(output.shape, copy->output_steps);
  PaddedDims(output.shape, copy->dims);
  unsigned seen = 0;
  for (int d = 0; d < output.shape.rank; ++d) {
    const int32_t from = Int32At(order, d);
    if (from < 0 || from >= input.shape.rank || output.shape.Dim(d) != input.shape.Dim(from)) {
      return Why("the output's shape does not follow from the order");
    }
    seen |= 1u << from;
    copy->input_steps[PaddedPlace(output.shape, d)] = input_steps[PaddedPlace(input.shape, from)];
  }
  return seen + 1 == 1u << input.shape.rank ? nullptr : Why("the order names a dimension twice");
}

void Invoke(const InvokeContext& context) {
  CopyStrided(context.Data<StridedCopy>(), context.Input<int8_t>(0), context.Output<int8_t>(0));
}

}  // namespace

extern const Operator kOperatorTranspose = {39, "TRANSPOSE", Prepare, Invoke};

}  // namespace stapes

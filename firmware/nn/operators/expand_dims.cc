// SPDX-License-Identifier: Apache-2.0
// EXPAND_DIMS: the same values with one more dimension, of size 1, at a constant axis.
#include "nn/operators/operators.h"
#include "nn/operators/support/same_values.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kAxisInput = 1;

const char* Prepare(PrepareContext& context) {
  const Shape input = context.Input(0).shape;
  const Shape output = context.Output(0).shape;
  const Tensor axis = context.Input(kAxisInput);
  if (context.input_count() != 2 || !IsInt32List(axis, 1)) {
    return Why("expected an input and a constant axis");
  }
  if (output.rank != input.rank + 1 || !IsSameBesideOnes(input, output)) {
    return Why("expected an output with one more dimension of 1");
  }
  return PrepareSameValues(context);
}

}  // namespace

extern const Operator kOperatorExpandDims = {70, "EXPAND_DIMS", Prepare, InvokeSameValues};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// SQUEEZE: the same values without dimensions of size 1, all of them or some.
#include "nn/operators/operators.h"
#include "nn/operators/support/same_values.h"

namespace stapes {
namespace {

const char* Prepare(PrepareContext& context) {
  const Shape input = context.Input(0).shape;
  const Shape output = context.Output(0).shape;
  if (context.input_count() != 1) {
    return Why("expected one input");
  }
  if (output.rank > input.rank || !IsSameBesideOnes(input, output)) {
    return Why("expected an output that lacks dimensions of 1 alone");
  }
  return PrepareSameValues(context);
}

}  // namespace

extern const Operator kOperatorSqueeze = {43, "SQUEEZE", Prepare, InvokeSameValues};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// RESHAPE: the same values in another shape. Shares its input's memory where it can.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"

namespace stapes {
namespace {

struct ReshapeData {
  uint32_t bytes;
};

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (!input.exists || context.output_count() != 1) {
    return Why("expected an input and one output");
  }
  if (input.type != output.type || input.byte_count != output.byte_count) {
    return Why("input and output differ in type or in number of values");
  }
  auto* const data = context.AllocateData<ReshapeData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->bytes = input.byte_count;
  context.AllowInPlace(0);
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  const uint8_t* const input = context.Input<uint8_t>(0);
  uint8_t* const output = context.Output<uint8_t>(0);
  if (input != output) {
    std::memcpy(output, input, context.Data<ReshapeData>().bytes);
  }
}

}  // namespace

extern const Operator kOperatorReshape = {22, "RESHAPE", Prepare, Invoke};

}  // namespace stapes

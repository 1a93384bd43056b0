// SPDX-License-Identifier: Apache-2.0
// READ_VARIABLE: a copy of a resource variable.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/resource_variable.h"

namespace stapes {
namespace {

struct ReadData {
  uint32_t variable;  // position of ResourceVariable
};

const char* Prepare(PrepareContext& context) {
  if (context.input_count() != 1 || context.output_count() != 1) {
    return Why("expected one input and one output");
  }
  auto* const data = context.AllocateData<ReadData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  return UseVariable(context, context.Output(0), &data->variable);
}

void Invoke(const InvokeContext& context) {
  const auto& variable = *context.Persistent<ResourceVariable>(context.Data<ReadData>().variable);
  std::memcpy(context.Output<uint8_t>(0), context.Persistent<uint8_t>(variable.position),
              variable.bytes);
}

}  // namespace

extern const Operator kOperatorReadVariable = {143, "READ_VARIABLE", Prepare, Invoke};

}  // namespace stapes

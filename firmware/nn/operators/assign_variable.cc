// SPDX-License-Identifier: Apache-2.0
// ASSIGN_VARIABLE: a new value for a resource variable.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/resource_variable.h"

namespace stapes {
namespace {

constexpr int kValue = 1;

struct AssignData {
  uint32_t variable;  // position of ResourceVariable
};

const char* Prepare(PrepareContext& context) {
  const Tensor value = context.Input(kValue);
  if (context.input_count() != 2 || context.output_count() != 0 || !value.exists) {
    return Why("expected a variable and a value");
  }
  auto* const data = context.AllocateData<AssignData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  return UseVariable(context, value, &data->variable);
}

void Invoke(const InvokeContext& context) {
  const auto& variable = *context.Persistent<ResourceVariable>(context.Data<AssignData>().variable);
  std::memcpy(context.Persistent<uint8_t>(variable.position), context.Input<uint8_t>(kValue),
              variable.bytes);
}

}  // namespace

extern const Operator kOperatorAssignVariable = {144, "ASSIGN_VARIABLE", Prepare, Invoke};

}  // namespace stapes

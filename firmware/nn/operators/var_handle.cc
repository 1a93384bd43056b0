// SPDX-License-Identifier: Apache-2.0
// VAR_HANDLE: names a resource variable and keeps its content.
#include <cstring>

#include "nn/operators/operators.h"
#include "nn/operators/support/resource_variable.h"

namespace stapes {
namespace {

const char* Prepare(PrepareContext& context) {
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || output.type != TensorType::kResource) {
    return Why("expected a resource as output");
  }
  return context.AllocateData<ResourceVariable>() == nullptr ? kArenaIsFull : nullptr;
}

void Invoke(const InvokeContext&) {}  // users found the variable while they prepared

void Reset(const InvokeContext& context) {
  const auto& variable = context.Data<ResourceVariable>();
  std::memset(context.Persistent<uint8_t>(variable.position), variable.fill, variable.bytes);
}

}  // namespace

extern const Operator kOperatorVarHandle = {kVarHandleCode, "VAR_HANDLE", Prepare, Invoke, Reset};

}  // namespace stapes

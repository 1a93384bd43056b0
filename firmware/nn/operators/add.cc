// SPDX-License-Identifier: Apache-2.0
// ADD: sum of two inputs, broadcast where shapes differ, int8.
#include "nn/operators/operators.h"
#include "nn/operators/support/add_sub.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<AddSubData>();
  if (data.pairing.steps == PersistentMemory::kNone) {
    AddAll(data.scaling, context.Input<int8_t>(0), context.Input<int8_t>(1), data.pairing.count,
           context.Output<int8_t>(0));
    return;
  }
  CombinePairs(context, data.pairing,
               [&](int32_t a, int32_t b) { return AddOne(data.scaling, a, b); });
}

}  // namespace

extern const Operator kOperatorAdd = {0, "ADD", PrepareAddSub<>, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// ADD: sum of two inputs, broadcast where shapes differ, int8.
#include "nn/operators/operators.h"
#include "nn/operators/support/add_sub.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<AddSubData>();
  ForEachRun(context, data.pairing,
             [&](const int8_t* first, const int8_t* second, int8_t* output, int32_t count) {
               AddAll(data.scaling, first, second, count, output);
             });
}

}  // namespace

extern const Operator kOperatorAdd = {0, "ADD", PrepareAddSub<>, Invoke};

}  // namespace stapes

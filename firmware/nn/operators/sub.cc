// SPDX-License-Identifier: Apache-2.0
// SUB: difference of two inputs, broadcast where shapes differ, int8.
#include "nn/operators/operators.h"
#include "nn/operators/support/add_sub.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<AddSubData>();
  CombinePairs(context, data.pairing, [&](int32_t a, int32_t b) {
    const int32_t first = AddSubTerm(a, data.scaling.first_offset, data.scaling.first);
    const int32_t second = AddSubTerm(b, data.scaling.second_offset, data.scaling.second);
    return AddSubResult(data.scaling, WrappingSubtract(first, second));
  });
}

}  // namespace

extern const Operator kOperatorSub = {41, "SUB", PrepareAddSub<>, Invoke};

}  // namespace stapes

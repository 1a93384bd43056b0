// SPDX-License-Identifier: Apache-2.0
#include "nn/all_operators.h"

#include "nn/operators/operators.h"

namespace stapes {

Span<const Operator* const> AllOperators() {
  static constexpr const Operator* kAll[] = {
// Where two have the same code the engine takes the first, so the wide ones come first.
#define STAPES_WIDE_OPERATOR(symbol, ...) &kOperatorWide##symbol,
#include "nn/operators/operator_list.inc"
#define STAPES_OPERATOR(symbol, ...) &kOperator##symbol,
#include "nn/operators/operator_list.inc"
  };
  return kAll;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Every operator the engine has. A firmware build lists those of its model, and links no others.
#pragma once

#include "nn/operator.h"

namespace stapes {

#define STAPES_OPERATOR(symbol, ...) extern const Operator kOperator##symbol;
#define STAPES_WIDE_OPERATOR(symbol, ...) extern const Operator kOperatorWide##symbol;
#include "nn/operators/operator_list.inc"

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The whole list of operators, for hosts that run any model.
#pragma once

#include "base/span.h"
#include "nn/operator.h"

namespace stapes {

Span<const Operator* const> AllOperators();

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What RESHAPE, EXPAND_DIMS and SQUEEZE have in common: the same values in another shape. They
// share their input's memory where they can.
#pragma once

#include "nn/operator.h"

namespace stapes {

const char* PrepareSameValues(PrepareContext& context);
void InvokeSameValues(const InvokeContext& context);

// Whether the shapes are equal but for dimensions of 1.
bool IsSameBesideOnes(const Shape& a, const Shape& b);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// RESHAPE: the same values in another shape.
#include "nn/operators/operators.h"
#include "nn/operators/support/same_values.h"

namespace stapes {

extern const Operator kOperatorReshape = {22, "RESHAPE", PrepareSameValues, InvokeSameValues};

}  // namespace stapes

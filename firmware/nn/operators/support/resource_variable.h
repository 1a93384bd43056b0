// SPDX-License-Identifier: Apache-2.0
// Resource variables: state that streaming models of other tools keep outside SVDF.
//
// VAR_HANDLE names a variable, in every subgraph that uses it; the first one of a name keeps it.
#pragma once

#include <cstdint>

#include "nn/operator.h"

namespace stapes {

constexpr int32_t kVarHandleCode = 142;

// The own data of VAR_HANDLE.
struct ResourceVariable {
  uint32_t bytes;     // 0 until the first READ_VARIABLE or ASSIGN_VARIABLE that uses it
  uint32_t position;  // of the content in the arena
  int32_t fill;       // every byte of it at the start
};

// Finds the variable behind input 0 of this operator; makes room for it, or checks that it holds
// as many bytes as `value`. Returns nullptr and its position in the arena, or a reason.
const char* UseVariable(PrepareContext& context, const Tensor& value, uint32_t* position);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What ADD and SUB have in common.
// Source: TensorFlow Lite 8-bit quantization specification, ADD and SUB.
#pragma once

#include "nn/kernels/add.h"
#include "nn/operator.h"
#include "nn/operators/support/broadcast.h"
#include "nn/operators/support/wide.h"

namespace stapes {

constexpr int32_t kWideAddShift = 15;  // in place of kAddSubShift, of int16 inputs

struct AddSubData {
  Pairing pairing;
  AddScaling scaling;
};

// Multipliers in float64. Upstream computed SUB's in float32 until late in 2026.
// `Activations`: NarrowActivations or WideActivations.
template <typename Activations = NarrowActivations, int32_t kShift = kAddSubShift>
const char* PrepareAddSub(PrepareContext& context);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What MUL of int8 and of int16 have in common.
// Source: TensorFlow Lite 8-bit quantization specification, MUL.
#pragma once

#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/support/broadcast.h"
#include "nn/operators/support/wide.h"

namespace stapes {

struct MulData {
  Pairing pairing;
  int32_t first_offset;
  int32_t second_offset;
  int32_t output_offset;
  int32_t low;
  int32_t high;
  Multiplier multiplier;  // float64(first) * float64(second) / float64(output)
};

// `Activations`: NarrowActivations or WideActivations.
template <typename Activations>
const char* PrepareMul(PrepareContext& context);

}  // namespace stapes

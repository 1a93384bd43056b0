// SPDX-License-Identifier: Apache-2.0
// What ADD and SUB have in common: both inputs are brought to one finer scale, met there, and
// scaled to the output.
// Source: TensorFlow Lite 8-bit quantization specification, ADD and SUB.
#pragma once

#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/support/broadcast.h"
#include "nn/operators/support/wide.h"

namespace stapes {

// Bits that inputs are shifted up by, before their scales are met.
constexpr int32_t kAddSubShift = 20;
constexpr int32_t kWideAddShift = 15;  // of int16 inputs

struct AddSubData {
  Pairing pairing;
  int32_t first_offset;
  int32_t second_offset;
  int32_t output_offset;
  int32_t low;
  int32_t high;
  Multiplier first;   // first / (2 * larger scale)
  Multiplier second;  // second / (2 * larger scale)
  Multiplier output;  // (2 * larger scale) / (2^shift * output)
};

// Multipliers in float64. Upstream computed SUB's in float32 until late in 2026.
// `Activations`: NarrowActivations or WideActivations.
template <typename Activations = NarrowActivations, int32_t kShift = kAddSubShift>
const char* PrepareAddSub(PrepareContext& context);

inline int32_t AddSubTerm(int32_t value, int32_t offset, Multiplier multiplier) {
  return Requantize(WrappingShiftLeft(value + offset, kAddSubShift), multiplier);
}

inline int8_t AddSubResult(const AddSubData& data, int32_t sum) {
  const int32_t scaled = Requantize(sum, data.output);
  return static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), data.low, data.high));
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What the wide LOGISTIC and TANH have in common: an int16 input in steps of 1/12288, and a table
// of the logistic function. Source: TensorFlow Lite's reference kernels.
#pragma once

#include <cstdint>

#include "nn/operators/support/wide.h"

namespace stapes {

struct WideCurveData {
  int32_t count;
  int32_t multiplier;  // of the input, 15 bits, then shifted to the right
  int32_t shift;
};

// `exact_shifts`: how many scales, from 2^-12 upwards, are powers of two that need no rounding.
const char* PrepareWideCurve(PrepareContext& context, int32_t exact_shifts);

// 2^16 / (1 + exp(-i / 24)), about.
constexpr uint32_t kSigmoidLines = 255;
struct SigmoidTable {
  uint16_t values[kSigmoidLines + 1];
};
extern const SigmoidTable kSigmoidTable;

// Between two entries of the table, `bits` below the point; flat behind the last one.
inline uint32_t SigmoidAt(uint32_t magnitude, int bits, uint32_t flat) {
  const uint32_t line = magnitude >> bits;
  if (line >= kSigmoidLines) {
    return flat << bits;
  }
  const uint16_t* const ends = kSigmoidTable.values + line;
  const uint32_t start = ends[0];
  const uint32_t fraction = magnitude & ((uint32_t{1} << bits) - 1);
  return (start << bits) + fraction * (ends[1] - start);
}

// `curve` maps the scaled input to the int16 output.
template <typename Curve>
void InvokeWideCurve(const InvokeContext& context, Curve curve) {
  const auto& data = context.Data<WideCurveData>();
  const int16_t* const input = context.Input<int16_t>(0);
  int16_t* const output = context.Output<int16_t>(0);
  const int32_t half = data.shift > 0 ? 1 << (data.shift - 1) : 0;
  for (int32_t i = 0; i < data.count; ++i) {
    output[i] = static_cast<int16_t>(curve((input[i] * data.multiplier + half) >> data.shift));
  }
}

}  // namespace stapes

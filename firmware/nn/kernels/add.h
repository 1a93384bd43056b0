// SPDX-License-Identifier: Apache-2.0
// Sums of int8 values of two scales: both are brought to one finer scale, added, and scaled to the
// output.
#pragma once

#include <cstdint>

#include "nn/kernels/requantize.h"

namespace stapes {

// Bits by which values are shifted up before they are brought to one scale.
constexpr int32_t kAddSubShift = 20;

struct AddScaling {
  int32_t first_offset;  // minus the zero points of the inputs
  int32_t second_offset;
  int32_t output_offset;
  int32_t low;  // bounds of the output
  int32_t high;
  Multiplier first;   // first / (2 * larger scale): 1/2 or less; one of them is 1/2
  Multiplier second;  // second / (2 * larger scale)
  Multiplier output;  // (2 * larger scale) / (2^20 * output): below 1
};

// The multiplier of the input with the larger scale, or of both: its terms need a shift alone.
inline bool IsHalf(Multiplier multiplier) {
  return multiplier.value == int32_t{1} << 30 && multiplier.shift == 0;
}

inline int32_t AddSubTerm(int32_t value, int32_t offset, Multiplier multiplier) {
  return Requantize(WrappingShiftLeft(value + offset, kAddSubShift), multiplier);
}

inline int8_t AddSubResult(const AddScaling& scaling, int32_t sum) {
  const int32_t scaled = WrappingAdd(Requantize(sum, scaling.output), scaling.output_offset);
  return static_cast<int8_t>(Clamp(scaled, scaling.low, scaling.high));
}

inline int8_t AddOne(const AddScaling& scaling, int32_t a, int32_t b) {
  return AddSubResult(scaling, WrappingAdd(AddSubTerm(a, scaling.first_offset, scaling.first),
                                           AddSubTerm(b, scaling.second_offset, scaling.second)));
}

// AddOne of `count` pairs; the output may lie where one of the inputs does.
void AddAll(const AddScaling& scaling, const int8_t* first, const int8_t* second, int32_t count,
            int8_t* output);

}  // namespace stapes

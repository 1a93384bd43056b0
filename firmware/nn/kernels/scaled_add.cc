// SPDX-License-Identifier: Apache-2.0
// Sums of int8 values for Arm cores without Helium.
#include "nn/kernels/add.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP || STAPES_KERNELS_THUMB

#include "nn/kernels/scaling.h"

namespace stapes {
namespace {

// One input's terms are halved, the other's scaled by less than 1/2: the usual case in a residual
// network. 14 instructions a value with the DSP extension; count above 0.
void AddHalved(const AddScaling& scaling, Multiplier multiplier, const int8_t* halved,
               int32_t halved_offset, const int8_t* scaled, int32_t scaled_offset, int32_t count,
               int8_t* output) {
  const DownScale scale = DownScale::Of(multiplier.value, multiplier.shift);
  const DownScale output_scale = DownScale::Of(scaling.output.value, scaling.output.shift);
  const int32_t half_start = WrappingShiftLeft(halved_offset, kAddSubShift - 1);
  const int32_t term_start = WrappingShiftLeft(scaled_offset, kAddSubShift);
  const int32_t output_offset = scaling.output_offset;  // the outputs might lie over it
  const int8_t* const end = output + count;
  int8_t* to = output;
  do {
    const int32_t half = WrappingAdd(half_start, WrappingShiftLeft(*halved++, kAddSubShift - 1));
    const int32_t term = WrappingAdd(term_start, WrappingShiftLeft(*scaled++, kAddSubShift));
    *to++ = SaturateS8(output_scale(scale(term, half), output_offset));
  } while (to != end);
}

}  // namespace

void AddAll(const AddScaling& scaling, const int8_t* first, const int8_t* second, int32_t count,
            int8_t* output) {
  const bool scales_down = ScalesDown(scaling.output.shift);
  if (scales_down && IsHalf(scaling.first) && ScalesDown(scaling.second.shift)) {
    AddHalved(scaling, scaling.second, first, scaling.first_offset, second, scaling.second_offset,
              count, output);
  } else if (scales_down && IsHalf(scaling.second) && ScalesDown(scaling.first.shift)) {
    AddHalved(scaling, scaling.first, second, scaling.second_offset, first, scaling.first_offset,
              count, output);
  } else {
    for (int32_t i = 0; i < count; ++i) {
      output[i] = AddOne(scaling, first[i], second[i]);
    }
    return;
  }
  for (int32_t i = 0; i < count && (scaling.low > INT8_MIN || scaling.high < INT8_MAX); ++i) {
    output[i] = static_cast<int8_t>(Clamp(output[i], scaling.low, scaling.high));
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP || STAPES_KERNELS_THUMB

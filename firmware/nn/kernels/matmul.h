// SPDX-License-Identifier: Apache-2.0
// Rows of int8 weights times columns of int8 inputs, scaled to int8: the work of convolutions.
//
// Columns are first laid into a panel, in a form that belongs to the platform; then all rows are
// multiplied with all columns of the panel.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"
#include "nn/kernels/scaling.h"

namespace stapes {

// Bytes of a panel of `columns` columns and of the memory that MultiplyPanel needs beside it; the
// same on every platform. Panels are 4-byte aligned.
constexpr int32_t PaddedDepth(int32_t depth) { return (depth + 3) & ~3; }
constexpr int32_t PanelBytes(int32_t depth, int32_t columns) {
  return PaddedDepth(depth) * 2 * ((columns + 1) & ~1);
}
// How many times the columns of a panel fit into PanelBytes: Helium's stay int8.
constexpr int32_t kPanelDensity = STAPES_KERNELS_MVE ? 2 : 1;
constexpr int32_t PanelRowBytes(int32_t depth) { return ((depth + 15) & ~15) * 4; }

struct PanelShape {
  int32_t depth;         // values in a column and in a row of weights
  int32_t input_offset;  // minus the zero point of the inputs
};

// Columns index and index + 1 (index even) of the panel; `second` may be equal to `first`.
void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel);

// output[column * output_stride + row]: `columns` columns, rows of weights one after the other.
void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t* row_memory,
                   int8_t* output, int32_t output_stride);

}  // namespace stapes

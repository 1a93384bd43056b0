// SPDX-License-Identifier: Apache-2.0
// Matrix product in plain C++: the panel holds the columns widened to int16, one after the other,
// zeros behind each up to PaddedDepth.
#pragma once

#include "nn/kernels/dot.h"
#include "nn/kernels/matmul.h"

namespace stapes {
namespace plain {

inline void LayColumn(const PanelShape& shape, const int8_t* values, int32_t index,
                      int16_t* panel) {
  int16_t* const column = panel + index * PaddedDepth(shape.depth);
  WidenS8(values, shape.depth, shape.input_offset, column);
  for (int32_t i = shape.depth; i < PaddedDepth(shape.depth); ++i) {
    column[i] = 0;
  }
}

inline void MultiplyColumns(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                            int32_t columns, const int8_t* weights, int32_t rows, int8_t* output,
                            int32_t output_stride) {
  for (int32_t column = 0; column < columns; ++column) {
    const WideVector values = {panel + column * PaddedDepth(shape.depth), shape.depth, 1};
    DotBlocksS8(values, weights, rows, shape.depth,
                [&](int32_t row, const int32_t* sums, int32_t count) {
                  scaling.From(row).Block(sums, count, output + row);
                });
    output += output_stride;
  }
}

}  // namespace plain
}  // namespace stapes

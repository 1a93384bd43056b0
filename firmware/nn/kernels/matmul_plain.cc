// Matrix product in plain C++: the panel holds the columns widened to int16, one after the other.
#include "nn/kernels/dot.h"
#include "nn/kernels/matmul.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_PLAIN

namespace stapes {

void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel) {
  int16_t* const column = panel + index * PaddedDepth(shape.depth);
  WidenS8(first, shape.depth, shape.input_offset, column);
  if (second == first) return;
  WidenS8(second, shape.depth, shape.input_offset, column + PaddedDepth(shape.depth));
}

void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t*, int8_t* output,
                   int32_t output_stride) {
  for (int32_t column = 0; column < columns; ++column) {
    DotBlocksS8(panel + column * PaddedDepth(shape.depth), weights, rows, shape.depth, shape.depth,
                [&](int32_t row, const int32_t* sums, int32_t count) {
                  scaling.From(row).Block(sums, count, output + row);
                });
    output += output_stride;
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_PLAIN

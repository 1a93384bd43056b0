// SPDX-License-Identifier: Apache-2.0
#include "nn/kernels/plain/matmul.h"

#include "nn/kernels/platform.h"

#if STAPES_KERNELS_PLAIN || STAPES_KERNELS_THUMB || STAPES_KERNELS_WASM || STAPES_KERNELS_RISCV

namespace stapes {

void LayColumnPair(const PanelShape& shape, const int8_t* first, const int8_t* second,
                   int32_t index, int16_t* panel) {
  plain::LayColumn(shape, first, index, panel);
  if (second != first) {
    plain::LayColumn(shape, second, index + 1, panel);
  }
}

void MultiplyPanel(const PanelShape& shape, const Scaling& scaling, const int16_t* panel,
                   int32_t columns, const int8_t* weights, int32_t rows, int16_t*, int8_t* output,
                   int32_t output_stride) {
  plain::MultiplyColumns(shape, scaling, panel, columns, weights, rows, output, output_stride);
}

}  // namespace stapes

#endif

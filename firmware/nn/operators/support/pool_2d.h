// SPDX-License-Identifier: Apache-2.0
// What AVERAGE_POOL_2D and MAX_POOL_2D have in common.
#pragma once

#include "nn/operator.h"
#include "nn/operators/support/wide.h"
#include "nn/operators/support/window.h"

namespace stapes {

struct PoolData {
  Window window;
  int32_t low;
  int32_t high;
};

// `Activations`: NarrowActivations or WideActivations.
template <typename Activations>
const char* PreparePool(PrepareContext& context);

// Calls `reduce(first input value, rows, taps, output values)` per place of the output: the pixels
// inside are those of `rows` and `taps`, with the first one at (rows.first, taps.first).
template <typename Value = int8_t, typename Reduce>
void ForEachPool(const InvokeContext& context, const Window& window, Reduce reduce) {
  ForEachPlace(window, [&](int32_t batch, int32_t y, int32_t x) {
    const int32_t top = y * window.stride_height - window.pad_height;
    const int32_t left = x * window.stride_width - window.pad_width;
    const Taps rows = TapsInside(top, 1, window.kernel_height, window.input_height);
    const Taps taps = TapsInside(left, 1, window.kernel_width, window.input_width);
    reduce(context.Input<Value>(0) + window.InputOffset(batch, top + rows.first, left + taps.first),
           rows.last - rows.first, taps.last - taps.first,
           context.Output<Value>(0) + window.OutputOffset(batch, y, x));
  });
}

}  // namespace stapes

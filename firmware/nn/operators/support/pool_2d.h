// SPDX-License-Identifier: Apache-2.0
// What AVERAGE_POOL_2D and MAX_POOL_2D have in common.
#pragma once

#include <limits>

#include "nn/kernels/requantize.h"
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
    const auto [top, left, rows, taps] = Look(window, y, x);
    reduce(context.Input<Value>(0) + window.InputOffset(batch, top + rows.first, left + taps.first),
           rows.last - rows.first, taps.last - taps.first,
           context.Output<Value>(0) + window.OutputOffset(batch, y, x));
  });
}

// MAX_POOL_2D of int8 or int16.
template <typename Value>
void InvokeMaxPool(const InvokeContext& context) {
  const auto& data = context.Data<PoolData>();
  const int32_t channels = data.window.input_channels;
  const int32_t row_step = data.window.input_width * channels;
  ForEachPool<Value>(context, data.window,
                     [&](const Value* first, int32_t rows, int32_t taps, Value* output) {
                       for (int32_t c = 0; c < channels; ++c) {
                         int32_t most = std::numeric_limits<Value>::min();
                         for (int32_t row = 0; row < rows; ++row) {
                           const Value* const pixels = first + row * row_step + c;
                           for (int32_t tap = 0; tap < taps; ++tap) {
                             const int32_t value = pixels[tap * channels];
                             most = value > most ? value : most;
                           }
                         }
                         output[c] = static_cast<Value>(Clamp(most, data.low, data.high));
                       }
                     });
}

}  // namespace stapes

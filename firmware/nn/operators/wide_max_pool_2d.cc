// SPDX-License-Identifier: Apache-2.0
// MAX_POOL_2D of int16; int8 as max_pool_2d.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<PoolData>();
  const int32_t channels = data.window.input_channels;
  const int32_t row_step = data.window.input_width * channels;
  ForEachPool<int16_t>(context, data.window,
                       [&](const int16_t* first, int32_t rows, int32_t taps, int16_t* output) {
                         for (int32_t c = 0; c < channels; ++c) {
                           int32_t most = INT16_MIN;
                           for (int32_t row = 0; row < rows; ++row) {
                             const int16_t* const pixels = first + row * row_step + c;
                             for (int32_t tap = 0; tap < taps; ++tap) {
                               const int32_t value = pixels[tap * channels];
                               most = value > most ? value : most;
                             }
                           }
                           output[c] = static_cast<int16_t>(Clamp(most, data.low, data.high));
                         }
                       });
}

using WideMaxPool2D = Wide<kOperatorMaxPool2D, PreparePool<WideActivations>, Invoke>;

}  // namespace

extern const Operator kOperatorWideMaxPool2D = {17, "MAX_POOL_2D", WideMaxPool2D::Prepare,
                                                WideMaxPool2D::Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// MAX_POOL_2D: largest of the pixels inside the image; int8.
// Source: TensorFlow Lite 8-bit quantization specification, MAX_POOL_2D.
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {
namespace {

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<PoolData>();
  const int32_t channels = data.window.input_channels;
  const int32_t row_step = data.window.input_width * channels;
  ForEachPool(context, data.window,
              [&](const int8_t* first, int32_t rows, int32_t taps, int8_t* output) {
                for (int32_t c = 0; c < channels; ++c) {
                  int32_t most = INT8_MIN;
                  for (int32_t row = 0; row < rows; ++row) {
                    const int8_t* const pixels = first + row * row_step + c;
                    for (int32_t tap = 0; tap < taps; ++tap) {
                      const int32_t value = pixels[tap * channels];
                      most = value > most ? value : most;
                    }
                  }
                  output[c] = static_cast<int8_t>(Clamp(most, data.low, data.high));
                }
              });
}

}  // namespace

extern const Operator kOperatorMaxPool2D = {17, "MAX_POOL_2D", PreparePool<NarrowActivations>,
                                            Invoke};

}  // namespace stapes

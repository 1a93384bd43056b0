// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D: mean of the pixels inside the image, ties away from zero; int8.
// Source: TensorFlow Lite 8-bit quantization specification, AVERAGE_POOL_2D.
#include "nn/kernels/pixel_sums.h"
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {
namespace {

int32_t DivideRounded(int32_t sum, int32_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<PoolData>();
  const int32_t channels = data.window.input_channels;
  const int32_t row_step = data.window.input_width * channels;
  ForEachPool(context, data.window,
              [&](const int8_t* first, int32_t rows, int32_t taps, int8_t* output) {
                // Whole rows follow one another without a gap.
                const int32_t run = taps == data.window.input_width ? rows : 1;
                for (int32_t c = 0; c < channels; c += kPixelSums) {
                  const int32_t count = channels - c < kPixelSums ? channels - c : kPixelSums;
                  int32_t sums[kPixelSums] = {};
                  for (int32_t row = 0; row < rows; row += run) {
                    SumPixels(first + row * row_step + c, run * taps, channels, count, sums);
                  }
                  for (int32_t i = 0; i < count; ++i) {
                    output[c + i] = static_cast<int8_t>(
                        Clamp(DivideRounded(sums[i], rows * taps), data.low, data.high));
                  }
                }
              });
}

}  // namespace

extern const Operator kOperatorAveragePool2D = {1, "AVERAGE_POOL_2D",
                                                PreparePool<NarrowActivations>, Invoke};

}  // namespace stapes

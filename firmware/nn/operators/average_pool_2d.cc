// AVERAGE_POOL_2D: mean of the pixels inside the image, ties away from zero; int8.
// Source: TensorFlow Lite 8-bit quantization specification, AVERAGE_POOL_2D.
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/pool_2d.h"

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
                for (int32_t c = 0; c < channels; ++c) {
                  int32_t sum = 0;
                  for (int32_t row = 0; row < rows; ++row) {
                    const int8_t* const pixels = first + row * row_step + c;
                    for (int32_t tap = 0; tap < taps; ++tap) sum += pixels[tap * channels];
                  }
                  output[c] = static_cast<int8_t>(
                      Clamp(DivideRounded(sum, rows * taps), data.low, data.high));
                }
              });
}

}  // namespace

extern const Operator kOperatorAveragePool2D = {1, "AVERAGE_POOL_2D", PreparePool, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// AVERAGE_POOL_2D of int16; int8 as average_pool_2d.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/kernels/requantize.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/pool_2d.h"

namespace stapes {
namespace {

// A window of more pixels could overflow 32-bit sums.
constexpr int32_t kMaxPixels = 65536;

const char* Prepare(PrepareContext& context) {
  if (const char* reason = PreparePool<WideActivations>(context)) {
    return reason;
  }
  const Window& window = context.PreparedData<PoolData>()->window;
  const int64_t pixels = int64_t{window.kernel_height} * window.kernel_width;
  return pixels <= kMaxPixels ? nullptr : Why("a window of more than 65536 pixels");
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<PoolData>();
  const int32_t channels = data.window.input_channels;
  const int32_t row_step = data.window.input_width * channels;
  ForEachPool<int16_t>(
      context, data.window, [&](const int16_t* first, int32_t rows, int32_t taps, int16_t* output) {
        for (int32_t c = 0; c < channels; ++c) {
          int32_t sum = 0;
          for (int32_t row = 0; row < rows; ++row) {
            const int16_t* const pixels = first + row * row_step + c;
            for (int32_t tap = 0; tap < taps; ++tap) {
              sum += pixels[tap * channels];
            }
          }
          const int32_t count = rows * taps;
          const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
          output[c] = static_cast<int16_t>(Clamp(mean, data.low, data.high));
        }
      });
}

using WideAveragePool2D = Wide<kOperatorAveragePool2D, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideAveragePool2D = {
    1, "AVERAGE_POOL_2D", WideAveragePool2D::Prepare, WideAveragePool2D::Invoke};

}  // namespace stapes

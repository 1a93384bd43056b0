// SPDX-License-Identifier: Apache-2.0
// Sliding windows over NHWC images: what convolutions and pooling have in common.
#pragma once

#include <cstdint>

#include "nn/model.h"
#include "nn/operator.h"

namespace stapes {

// tflite Padding.
enum class Padding : int8_t { kSame = 0, kValid = 1 };

struct Window {
  int32_t batches;
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int32_t kernel_height;
  int32_t kernel_width;
  int32_t stride_height;
  int32_t stride_width;
  int32_t dilation_height;
  int32_t dilation_width;
  int32_t pad_height;  // rows above the image
  int32_t pad_width;   // columns left of it

  int32_t InputOffset(int32_t batch, int32_t y, int32_t x) const {
    return ((batch * input_height + y) * input_width + x) * input_channels;
  }
  int32_t OutputOffset(int32_t batch, int32_t y, int32_t x) const {
    return ((batch * output_height + y) * output_width + x) * output_channels;
  }
};

// Taps `first` to `last` (exclusive) of a kernel along one axis that lie inside the image.
struct Taps {
  int32_t first;
  int32_t last;
};

// `origin` is the place of tap 0 in the image, `dilation` the distance between taps.
Taps TapsInside(int32_t origin, int32_t dilation, int32_t kernel, int32_t size);

// Fills sizes and padding; kernel, strides and dilations must be set. Returns nullptr or why the
// shapes do not fit (TensorFlow's rules for SAME and VALID).
const char* FitWindow(Padding padding, const Shape& input, const Shape& output, Window* window);

// The kernel at one place of the output: where its first tap lies, and which taps are inside the
// image.
struct Seen {
  int32_t top;
  int32_t left;
  Taps rows;
  Taps taps;
};

inline Seen Look(const Window& window, int32_t y, int32_t x) {
  const int32_t top = y * window.stride_height - window.pad_height;
  const int32_t left = x * window.stride_width - window.pad_width;
  return {top, left,
          TapsInside(top, window.dilation_height, window.kernel_height, window.input_height),
          TapsInside(left, window.dilation_width, window.kernel_width, window.input_width)};
}

// Calls `visit(batch, y, x)` for every place of the output.
template <typename Visit>
void ForEachPlace(const Window& window, Visit visit) {
  for (int32_t batch = 0; batch < window.batches; ++batch) {
    for (int32_t y = 0; y < window.output_height; ++y) {
      for (int32_t x = 0; x < window.output_width; ++x) {
        visit(batch, y, x);
      }
    }
  }
}

}  // namespace stapes

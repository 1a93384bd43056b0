// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/window.h"

namespace stapes {
namespace {

constexpr int32_t kMaxStep = 4096;       // of strides and dilations
constexpr int32_t kMaxExtent = 1 << 18;  // of images and kernels
constexpr int32_t kMaxPad = 32767;       // upstream keeps no more
static_assert(int64_t{kMaxExtent} * kMaxStep + 2 * kMaxExtent <= INT32_MAX, "reaches fit");

bool IsIn(int32_t value, int32_t low, int32_t high) { return value >= low && value <= high; }

struct Axis {
  int32_t input;
  int32_t output;
  int32_t kernel;
  int32_t stride;
  int32_t dilation;
};

// TensorFlow's GetWindowedOutputSize; the smaller half of an odd padding comes first.
bool FitAxis(Padding padding, const Axis& axis, int32_t* pad) {
  if (!IsIn(axis.stride, 1, kMaxStep) || !IsIn(axis.dilation, 1, kMaxStep)) {
    return false;
  }
  if (!IsIn(axis.kernel, 1, kMaxExtent) || !IsIn(axis.input, 1, kMaxExtent)) {
    return false;
  }
  const int32_t reach = (axis.kernel - 1) * axis.dilation + 1;
  const int32_t covered = padding == Padding::kSame ? axis.input : axis.input - reach + 1;
  if (covered < 1 || axis.output != (covered + axis.stride - 1) / axis.stride) {
    return false;
  }
  const int32_t missing = (axis.output - 1) * axis.stride + reach - axis.input;
  *pad = missing > 0 ? missing / 2 : 0;
  return *pad <= kMaxPad;
}

}  // namespace

Taps TapsInside(int32_t origin, int32_t dilation, int32_t kernel, int32_t size) {
  Taps taps = {0, kernel};
  if (origin < 0) {
    taps.first = (-origin + dilation - 1) / dilation;
  }
  const int32_t room = size - origin;  // positive: windows start inside or before the image
  const int32_t last = (room + dilation - 1) / dilation;
  if (last < taps.last) {
    taps.last = last;
  }
  if (taps.first > taps.last) {
    taps.first = taps.last;
  }
  return taps;
}

const char* FitWindow(Padding padding, const Shape& input, const Shape& output, Window* window) {
  if (padding != Padding::kSame && padding != Padding::kValid) {
    return Why("an unknown kind of padding");
  }
  if (input.rank != 4 || output.rank != 4) {
    return Why("expected input and output of 4 dimensions");
  }
  window->batches = input.Dim(0);
  window->input_height = input.Dim(1);
  window->input_width = input.Dim(2);
  window->input_channels = input.Dim(3);
  window->output_height = output.Dim(1);
  window->output_width = output.Dim(2);
  window->output_channels = output.Dim(3);
  const Axis rows = {input.Dim(1), output.Dim(1), window->kernel_height, window->stride_height,
                     window->dilation_height};
  const Axis columns = {input.Dim(2), output.Dim(2), window->kernel_width, window->stride_width,
                        window->dilation_width};
  if (output.Dim(0) != input.Dim(0) || !FitAxis(padding, rows, &window->pad_height) ||
      !FitAxis(padding, columns, &window->pad_width)) {
    return Why(
        "the output's shape does not follow from input, kernel, stride and dilation, or more than "
        "32767 rows or columns are beside the image");
  }
  return nullptr;
}

}  // namespace stapes

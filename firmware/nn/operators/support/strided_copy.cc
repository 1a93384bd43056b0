// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/strided_copy.h"

#include <cstring>

namespace stapes {
namespace {

constexpr int kLast = Shape::kMaxRank - 1;

void CopyRun(const StridedCopy& copy, const int8_t* input, int8_t* output) {
  const int32_t count = copy.dims[kLast];
  const int32_t input_step = copy.input_steps[kLast];
  const int32_t output_step = copy.output_steps[kLast];
  if (input_step == 1 && output_step == 1) {
    std::memcpy(output, input, static_cast<std::size_t>(count));
    return;
  }
  for (int32_t i = 0; i < count; ++i) {
    output[i * output_step] = input[i * input_step];
  }
}

}  // namespace

void DenseSteps(const Shape& shape, int32_t steps[Shape::kMaxRank]) {
  int32_t step = 1;
  for (int d = kLast; d >= 0; --d) {
    steps[d] = step;
    const int own = d - (Shape::kMaxRank - shape.rank);
    if (own >= 0) {
      step *= shape.Dim(own);
    }
  }
}

void PaddedDims(const Shape& shape, int32_t dims[Shape::kMaxRank]) {
  for (int d = 0; d < Shape::kMaxRank; ++d) {
    dims[d] = 1;
  }
  for (int d = 0; d < shape.rank; ++d) {
    dims[PaddedPlace(shape, d)] = shape.Dim(d);
  }
}

void CopyStrided(const StridedCopy& copy, const int8_t* input, int8_t* output) {
  int32_t from = copy.input_start;
  int32_t to = copy.output_start;
  int32_t index[kLast] = {};
  while (true) {
    CopyRun(copy, input + from, output + to);
    // Carry like an odometer over all dimensions but the last.
    int d = kLast - 1;
    for (; d >= 0; --d) {
      from += copy.input_steps[d];
      to += copy.output_steps[d];
      if (++index[d] < copy.dims[d]) {
        break;
      }
      from -= copy.input_steps[d] * copy.dims[d];
      to -= copy.output_steps[d] * copy.dims[d];
      index[d] = 0;
    }
    if (d < 0) {
      return;
    }
  }
}

}  // namespace stapes

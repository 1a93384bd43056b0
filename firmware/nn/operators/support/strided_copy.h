// SPDX-License-Identifier: Apache-2.0
// Copies int8 blocks between layouts: what PAD, STRIDED_SLICE and TRANSPOSE come down to.
#pragma once

#include <cstdint>

#include "nn/model.h"
#include "nn/operator.h"

namespace stapes {

struct StridedCopy {
  int32_t dims[Shape::kMaxRank];  // values to copy, padded with ones in front
  int32_t input_steps[Shape::kMaxRank];
  int32_t output_steps[Shape::kMaxRank];
  int32_t input_start;
  int32_t output_start;
};

// Distances between neighbours along each dimension of a dense tensor, padded in front.
void DenseSteps(const Shape& shape, int32_t steps[Shape::kMaxRank]);
// Sizes, padded with ones in front.
void PaddedDims(const Shape& shape, int32_t dims[Shape::kMaxRank]);
// Place of dimension `d` of `shape` in arrays that are padded in front.
inline int PaddedPlace(const Shape& shape, int d) { return Shape::kMaxRank - shape.rank + d; }

void CopyStrided(const StridedCopy& copy, const int8_t* input, int8_t* output);

}  // namespace stapes

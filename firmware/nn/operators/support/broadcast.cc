// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/broadcast.h"

namespace stapes {
namespace {

// Dimension `d` of a shape padded in front to kMaxRank.
int32_t PaddedDim(const Shape& shape, int d) {
  const int own = d - (Shape::kMaxRank - shape.rank);
  return own < 0 ? 1 : shape.Dim(own);
}

// Steps of one input; false when it does not broadcast to the output.
bool StepsOf(const Shape& input, const Shape& output, int32_t steps[Shape::kMaxRank]) {
  int32_t step = 1;
  if (input.rank > output.rank) {
    return false;
  }
  for (int d = Shape::kMaxRank - 1; d >= 0; --d) {
    const int32_t size = PaddedDim(input, d);
    if (size != 1 && size != PaddedDim(output, d)) {
      return false;
    }
    steps[d] = size == 1 ? 0 : step;
    step *= size;
  }
  return true;
}

// Takes the last dimensions, as far as neither input is broadcast along them, as one run.
void JoinRuns(BroadcastSteps* steps) {
  steps->run = 1;
  for (int d = Shape::kMaxRank - 1; d >= 0; --d) {
    const bool whole = steps->first[d] != 0 && steps->second[d] != 0;
    if (steps->dims[d] != 1 && !whole) {
      return;
    }
    steps->run *= steps->dims[d];
    steps->dims[d] = 1;
    steps->first[d] = 0;
    steps->second[d] = 0;
  }
}

}  // namespace

const char* PreparePairing(PrepareContext& context, const Tensor& first, const Tensor& second,
                           const Tensor& output, Pairing* pairing) {
  pairing->count = output.shape.ElementCount();
  pairing->steps = PersistentMemory::kNone;
  const bool first_whole = first.shape == output.shape;
  const bool second_whole = second.shape == output.shape;
  // Each value is read before its place is written, as long as the shapes agree.
  if (first_whole && !first.is_constant()) {
    context.AllowInPlace(0);
  } else if (second_whole) {
    context.AllowInPlace(1);
  }
  if (first_whole && second_whole) {
    return nullptr;
  }
  BroadcastSteps steps = {};
  if (!StepsOf(first.shape, output.shape, steps.first) ||
      !StepsOf(second.shape, output.shape, steps.second)) {
    return Why("shapes of the inputs do not broadcast to the output's");
  }
  for (int d = 0; d < Shape::kMaxRank; ++d) {
    steps.dims[d] = PaddedDim(output.shape, d);
    if (steps.dims[d] != PaddedDim(first.shape, d) && steps.dims[d] != PaddedDim(second.shape, d)) {
      return Why("shapes of the inputs do not broadcast to the output's");
    }
  }
  JoinRuns(&steps);
  pairing->steps = context.AllocatePersistent(sizeof(BroadcastSteps));
  if (pairing->steps == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  *context.Persistent<BroadcastSteps>(pairing->steps) = steps;
  return nullptr;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Combines two inputs of different shapes value by value, as NumPy broadcasts them.
#pragma once

#include <cstdint>

#include "nn/model.h"
#include "nn/operator.h"

namespace stapes {

// How far each input moves when an output index grows by one; 0 along broadcast dimensions.
struct BroadcastSteps {
  int32_t dims[Shape::kMaxRank];  // of the output, padded with ones in front
  int32_t first[Shape::kMaxRank];
  int32_t second[Shape::kMaxRank];
};

struct Pairing {
  int32_t count;   // of the output
  uint32_t steps;  // position of BroadcastSteps; PersistentMemory::kNone for equal shapes
};

// Checks that both inputs broadcast to the output's shape. Returns nullptr or a reason.
const char* PreparePairing(PrepareContext& context, const Tensor& first, const Tensor& second,
                           const Tensor& output, Pairing* pairing);

// output[i] = combine(a, b) over all pairs of values, int8 if not said otherwise.
template <typename Value = int8_t, typename Combine>
void CombinePairs(const InvokeContext& context, const Pairing& pairing, Combine combine) {
  const Value* const first = context.Input<Value>(0);
  const Value* const second = context.Input<Value>(1);
  Value* const output = context.Output<Value>(0);
  if (pairing.steps == PersistentMemory::kNone) {
    for (int32_t i = 0; i < pairing.count; ++i) {
      output[i] = combine(first[i], second[i]);
    }
    return;
  }
  const auto& steps = *context.Persistent<BroadcastSteps>(pairing.steps);
  int32_t index[Shape::kMaxRank] = {};
  int32_t a = 0;
  int32_t b = 0;
  for (int32_t i = 0; i < pairing.count; ++i) {
    output[i] = combine(first[a], second[b]);
    // Carry like an odometer, the last dimension fastest.
    for (int d = Shape::kMaxRank - 1; d >= 0; --d) {
      a += steps.first[d];
      b += steps.second[d];
      if (++index[d] < steps.dims[d]) {
        break;
      }
      a -= steps.first[d] * steps.dims[d];
      b -= steps.second[d] * steps.dims[d];
      index[d] = 0;
    }
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Combines two inputs of different shapes value by value, as NumPy broadcasts them.
#pragma once

#include <cstdint>

#include "nn/model.h"
#include "nn/operator.h"

namespace stapes {

// How far each input moves when an output index grows by one; 0 along broadcast dimensions.
struct BroadcastSteps {
  int32_t dims[Shape::kMaxRank];  // of the output, padded with ones in front; 1 inside a run
  int32_t first[Shape::kMaxRank];
  int32_t second[Shape::kMaxRank];
  int32_t run;  // values that follow each other in both inputs and in the output
};

struct Pairing {
  int32_t count;   // of the output
  uint32_t steps;  // position of BroadcastSteps; PersistentMemory::kNone for equal shapes
};

// Checks that both inputs broadcast to the output's shape. Returns nullptr or a reason.
const char* PreparePairing(PrepareContext& context, const Tensor& first, const Tensor& second,
                           const Tensor& output, Pairing* pairing);

// Calls `run` (first, second, output, count) for stretches in which all three follow each other,
// from the first to the last; int8 if not said otherwise.
template <typename Value = int8_t, typename Run>
void ForEachRun(const InvokeContext& context, const Pairing& pairing, Run run) {
  const Value* const first = context.Input<Value>(0);
  const Value* const second = context.Input<Value>(1);
  Value* const output = context.Output<Value>(0);
  if (pairing.steps == PersistentMemory::kNone) {
    run(first, second, output, pairing.count);
    return;
  }
  const auto& steps = *context.Persistent<BroadcastSteps>(pairing.steps);
  int32_t index[Shape::kMaxRank] = {};
  int32_t a = 0;
  int32_t b = 0;
  for (int32_t i = 0; i < pairing.count; i += steps.run) {
    run(first + a, second + b, output + i, steps.run);
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

// output[i] = combine(a, b) over all pairs of values, int8 if not said otherwise.
template <typename Value = int8_t, typename Combine>
void CombinePairs(const InvokeContext& context, const Pairing& pairing, Combine combine) {
  ForEachRun<Value>(context, pairing,
                    [&](const Value* first, const Value* second, Value* output, int32_t count) {
                      for (int32_t i = 0; i < count; ++i) {
                        output[i] = combine(first[i], second[i]);
                      }
                    });
}

}  // namespace stapes

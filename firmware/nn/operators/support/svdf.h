// SPDX-License-Identifier: Apache-2.0
// SVDF: a layer whose filters are products of a feature vector and a time vector, with memory.
//
// Every step each filter makes one value of the input (feature stage), remembers the last `memory`
// of them, and weighs those over time (time stage); `rank` filters add up to one output.
// Source: Alvarez and Park, arXiv 1812.02802; arithmetic of TensorFlow Lite's integer SVDF. As
// there, a fused activation has no effect beyond the output's int8 range.
//
// The remembered values lie oldest first, as upstream has them: they move on by one place while
// they are weighed, which costs less than a ring whose halves are never aligned.
#pragma once

#include <cstdint>

#include "nn/operator.h"
#include "nn/real.h"

namespace stapes {

constexpr int kSvdfState = 4;  // the input that is the state

struct SvdfData {
  int32_t batches;
  int32_t inputs;   // values per batch
  int32_t filters;  // units * rank
  int32_t rank;
  int32_t memory;
  int32_t input_offset;
  int32_t state_zero_point;
  int32_t output_offset;
  Multiplier feature;  // input * feature weights / state
  Multiplier time;     // state * time weights / output
};

// What the next filters have: their weights over time and the values that they remember.
struct SvdfPlace {
  const void* weights;
  void* state;
};

// Weighs the sums of `count` filters over time, in place, and moves on behind them.
using SvdfTimeStage = void(const SvdfData& data, SvdfPlace* place, int32_t* sums, int32_t count);

// For a state of this type, int8 or int16; the zero point of an int16 state must be 0.
const char* PrepareSvdf(PrepareContext& context, TensorType state);
void InvokeSvdf(const InvokeContext& context, int32_t state_value_bytes, SvdfTimeStage* time_stage);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// SVDF (support/svdf.h) with a state of int16; int8 as svdf.cc.
#include "nn/kernels/time_stage.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/svdf.h"
#include "nn/operators/support/wide.h"

namespace stapes {
namespace {

void WeighOverTime(const SvdfData& data, SvdfPlace* place, int32_t* sums, int32_t count) {
  const TimeFilters filters = {data.memory, data.inputs, data.feature};
  const auto* const weights = static_cast<const int16_t*>(place->weights);
  auto* const state = static_cast<int16_t*>(place->state);
  PushAndWeigh(filters, weights, state, sums, count);
  place->weights = weights + count * data.memory;
  place->state = state + count * data.memory;
}

const char* Prepare(PrepareContext& context) { return PrepareSvdf(context, TensorType::kInt16); }

void Invoke(const InvokeContext& context) { InvokeSvdf(context, sizeof(int16_t), WeighOverTime); }

using WideSvdf = Wide<kOperatorSvdf, Prepare, Invoke, kSvdfState>;

}  // namespace

extern const Operator kOperatorWideSvdf = {27, "SVDF", WideSvdf::Prepare, WideSvdf::Invoke};

}  // namespace stapes

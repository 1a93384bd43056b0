// SPDX-License-Identifier: Apache-2.0
// SVDF (support/svdf.h) with a state of int8.
#include "nn/operators/support/svdf.h"
#include "nn/kernels/byte_time_stage.h"
#include "nn/operators/operators.h"

namespace stapes {
namespace {

void WeighOverTime(const SvdfData& data, SvdfPlace* place, int32_t* sums, int32_t count) {
  const ByteFilters filters = {data.memory, data.state_zero_point, data.feature};
  const auto* const weights = static_cast<const int8_t*>(place->weights);
  auto* const state = static_cast<int8_t*>(place->state);
  PushAndWeighBytes(filters, weights, state, sums, count);
  place->weights = weights + count * data.memory;
  place->state = state + count * data.memory;
}

const char* Prepare(PrepareContext& context) { return PrepareSvdf(context, TensorType::kInt8); }

void Invoke(const InvokeContext& context) { InvokeSvdf(context, sizeof(int8_t), WeighOverTime); }

}  // namespace

extern const Operator kOperatorSvdf = {27, "SVDF", Prepare, Invoke};

}  // namespace stapes

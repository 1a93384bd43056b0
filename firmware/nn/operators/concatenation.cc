// SPDX-License-Identifier: Apache-2.0
// CONCATENATION: inputs one after another along an axis, int8, all of one quantization.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/axis.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

enum OptionsField { kAxis, kFusedActivation };

struct ConcatenationData {
  int32_t inputs;
  int32_t blocks;  // runs of every input
  int32_t stride;  // values of one block of the output
  uint32_t runs;   // position of int32 values per run, for every input
};

const char* CheckInput(const Tensor& input, const Tensor& output, int32_t axis) {
  if (!IsQuantizedInt8(input)) {
    return Why("expected int8 inputs with one scale each");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("inputs and output differ in quantization");
  }
  if (input.shape.rank != output.shape.rank) {
    return Why("inputs and output differ in dimensions");
  }
  for (int d = 0; d < output.shape.rank; ++d) {
    if (d != axis && input.shape.Dim(d) != output.shape.Dim(d)) {
      return Why("shapes differ beside the axis");
    }
  }
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(output)) {
    return Why("expected an int8 output");
  }
  if (context.options().Get<int8_t>(kFusedActivation, 0) != 0) {
    return Why("a fused activation");
  }
  const int32_t axis = ResolveAxis(context.options().Get<int32_t>(kAxis, 0), output.shape);
  if (axis < 0) {
    return Why("an axis that does not exist");
  }
  auto* const data = context.AllocateData<ConcatenationData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->inputs = context.input_count();
  data->blocks = CountBetween(output.shape, 0, axis);
  data->stride = CountBetween(output.shape, axis, output.shape.rank);
  data->runs =
      context.AllocatePersistent(static_cast<uint32_t>(data->inputs) * uint32_t{sizeof(int32_t)});
  if (data->runs == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  int64_t total = 0;
  for (int i = 0; i < data->inputs; ++i) {
    const Tensor input = context.Input(i);
    if (const char* reason = CheckInput(input, output, axis)) {
      return reason;
    }
    const int32_t run = CountBetween(input.shape, axis, input.shape.rank);
    context.Persistent<int32_t>(data->runs)[i] = run;
    total += run;
  }
  return total == data->stride ? nullptr : Why("inputs do not add up to the output along the axis");
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<ConcatenationData>();
  const int32_t* const runs = context.Persistent<int32_t>(data.runs);
  int8_t* output = context.Output<int8_t>(0);
  for (int i = 0; i < data.inputs; ++i) {
    const int8_t* const input = context.Input<int8_t>(i);
    for (int32_t block = 0; block < data.blocks; ++block) {
      std::memcpy(output + block * data.stride, input + block * runs[i],
                  static_cast<std::size_t>(runs[i]));
    }
    output += runs[i];
  }
}

}  // namespace

extern const Operator kOperatorConcatenation = {2, "CONCATENATION", Prepare, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// SPLIT: equal parts of the input along a constant axis, int8.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/axis.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kAxisInput = 0;
constexpr int kInput = 1;

struct SplitData {
  int32_t outputs;
  int32_t blocks;  // runs of every output
  int32_t run;     // values per run
};

const char* CheckOutput(const Tensor& input, const Tensor& output, int32_t axis, int32_t parts) {
  if (!IsQuantizedInt8(output)) {
    return Why("expected int8 outputs with one scale each");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("input and outputs differ in quantization");
  }
  if (input.shape.rank != output.shape.rank) {
    return Why("input and outputs differ in dimensions");
  }
  for (int d = 0; d < input.shape.rank; ++d) {
    const int32_t expected = d == axis ? input.shape.Dim(d) / parts : input.shape.Dim(d);
    if (output.shape.Dim(d) != expected) {
      return Why("outputs are not equal parts of the input");
    }
  }
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const Tensor axis_input = context.Input(kAxisInput);
  const Tensor input = context.Input(kInput);
  const int32_t parts = context.output_count();
  if (!IsQuantizedInt8(input)) {
    return Why("expected an int8 input with one scale");
  }
  if (!IsInt32List(axis_input, 1)) {
    return Why("expected a constant axis");
  }
  const int32_t axis = ResolveAxis(Int32At(axis_input, 0), input.shape);
  if (axis < 0) {
    return Why("an axis that does not exist");
  }
  if (parts == 0 || input.shape.Dim(axis) % parts != 0) {
    return Why("outputs do not divide the axis");
  }
  for (int i = 0; i < parts; ++i) {
    if (const char* reason = CheckOutput(input, context.Output(i), axis, parts)) {
      return reason;
    }
  }
  auto* const data = context.AllocateData<SplitData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->outputs = parts;
  data->blocks = CountBetween(input.shape, 0, axis);
  data->run = CountBetween(input.shape, axis, input.shape.rank) / parts;
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<SplitData>();
  const int8_t* input = context.Input<int8_t>(kInput);
  for (int32_t block = 0; block < data.blocks; ++block) {
    for (int i = 0; i < data.outputs; ++i, input += data.run) {
      std::memcpy(context.Output<int8_t>(i) + block * data.run, input,
                  static_cast<std::size_t>(data.run));
    }
  }
}

}  // namespace

extern const Operator kOperatorSplit = {49, "SPLIT", Prepare, Invoke};

}  // namespace stapes

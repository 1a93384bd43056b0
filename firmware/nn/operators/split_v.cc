// SPDX-License-Identifier: Apache-2.0
// SPLIT_V: parts of the input along a constant axis, as large as the outputs' shapes say; int8 or
// int16.
#include <cstring>

#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/axis.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kAxisInput = 2;

struct SplitVData {
  int32_t outputs;
  int32_t blocks;  // runs of every output
  uint32_t runs;   // position of int32 bytes per run, for every output
};

const char* CheckOutput(const Tensor& input, const Tensor& output, int32_t axis) {
  if (!IsQuantized(output, input.type) || !HaveSameQuantization(input, output)) {
    return Why("input and outputs differ in type or quantization");
  }
  if (input.shape.rank != output.shape.rank) {
    return Why("input and outputs differ in dimensions");
  }
  for (int d = 0; d < input.shape.rank; ++d) {
    if (d != axis && input.shape.Dim(d) != output.shape.Dim(d)) {
      return Why("shapes differ beside the axis");
    }
  }
  return nullptr;
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(kInput);
  const Tensor axis_input = context.Input(kAxisInput);
  if (!IsQuantizedInt8(input) && !IsQuantized(input, TensorType::kInt16)) {
    return Why("expected an int8 or int16 input with one scale");
  }
  if (context.input_count() != 3 || !IsInt32List(axis_input, 1)) {
    return Why("expected sizes and a constant axis");
  }
  const int32_t axis = ResolveAxis(Int32At(axis_input, 0), input.shape);
  if (axis < 0) {
    return Why("an axis that does not exist");
  }
  auto* const data = context.AllocateData<SplitVData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->outputs = context.output_count();
  data->blocks = CountBetween(input.shape, 0, axis);
  data->runs =
      context.AllocatePersistent(static_cast<uint32_t>(data->outputs) * uint32_t{sizeof(int32_t)});
  if (data->runs == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  int64_t total = 0;
  for (int i = 0; i < data->outputs; ++i) {
    const Tensor output = context.Output(i);
    if (const char* reason = CheckOutput(input, output, axis)) {
      return reason;
    }
    context.Persistent<int32_t>(data->runs)[i] =
        static_cast<int32_t>(output.byte_count) / data->blocks;
    total += output.shape.Dim(axis);
  }
  return total == input.shape.Dim(axis) ? nullptr
                                        : Why("outputs do not add up to the input along the axis");
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<SplitVData>();
  const int32_t* const runs = context.Persistent<int32_t>(data.runs);
  const uint8_t* input = context.Input<uint8_t>(kInput);
  for (int32_t block = 0; block < data.blocks; ++block) {
    for (int i = 0; i < data.outputs; ++i) {
      std::memcpy(context.Output<uint8_t>(i) + block * runs[i], input,
                  static_cast<std::size_t>(runs[i]));
      input += runs[i];
    }
  }
}

}  // namespace

extern const Operator kOperatorSplitV = {102, "SPLIT_V", Prepare, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED with int16 activations and int8 weights; int8 ones as fully_connected.cc.
// Source: TensorFlow Lite's reference kernel.
#include "nn/operators/operators.h"
#include "nn/operators/support/wide_scaling.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kWeights = 1;
constexpr int kBias = 2;
enum OptionsField { kActivation, kWeightsFormat, kKeepDims, kAsymmetric, kBiasType };

struct WideFullyConnectedData {
  int32_t batches;
  int32_t rows;   // output values per batch
  int32_t depth;  // input values per batch
  WideChannelScaling scaling;
};

bool DoShapesFit(const WeighedTensors& tensors, WideFullyConnectedData* data) {
  const Shape& output = tensors.output.shape;
  const int32_t input_count = tensors.input.shape.ElementCount();
  data->rows = tensors.weights.shape.Dim(0);
  data->depth = tensors.weights.shape.Dim(1);
  data->batches = input_count / data->depth;
  return input_count % data->depth == 0 && output.Last() == data->rows &&
         int64_t{data->batches} * data->rows == output.ElementCount();
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  if (const char* reason = CheckWideTensors(context, tensors, 2, 0)) {
    return reason;
  }
  if (context.options().Get<int8_t>(kWeightsFormat, 0) != 0) {
    return Why("shuffled weights");
  }
  auto* const data = context.AllocateData<WideFullyConnectedData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  if (!DoShapesFit(tensors, data)) {
    return Why("shapes of input, weights and output do not fit");
  }
  return PrepareWideScaling(context, tensors, {kActivation, kBiasType}, &data->scaling);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<WideFullyConnectedData>();
  const WideScaling scaling(context, data.scaling, kBias);
  const int16_t* input = context.Input<int16_t>(kInput);
  int16_t* output = context.Output<int16_t>(0);
  for (int32_t batch = 0; batch < data.batches; ++batch, input += data.depth) {
    const int8_t* weights = context.Input<int8_t>(kWeights);
    for (int32_t row = 0; row < data.rows; ++row) {
      uint64_t sum = 0;
      for (int32_t i = 0; i < data.depth; ++i) {
        sum += Product(input[i], *weights++);
      }
      *output++ = scaling(row, sum);
    }
  }
}

using WideFullyConnected = Wide<kOperatorFullyConnected, Prepare, Invoke>;

}  // namespace

extern const Operator kOperatorWideFullyConnected = {
    9, "FULLY_CONNECTED", WideFullyConnected::Prepare, WideFullyConnected::Invoke};

}  // namespace stapes

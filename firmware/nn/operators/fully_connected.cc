// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED: output = activation(weights * input + bias), int8, scales per tensor or per row.
// Source: TensorFlow Lite 8-bit quantization specification, FULLY_CONNECTED.
#include "nn/kernels/dot.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/channel_scaling.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kWeights = 1;
constexpr int kBias = 2;
enum OptionsField { kFusedActivation, kWeightsFormat };

// Longer inputs are widened in pieces, so that they need no copy of twice their size.
constexpr int32_t kPiece = 512;

struct FullyConnectedData {
  int32_t batches;
  int32_t rows;   // output values per batch
  int32_t depth;  // input values per batch
  int32_t input_offset;
  ChannelScaling scaling;
};

bool DoShapesFit(const WeighedTensors& tensors, FullyConnectedData* data) {
  const Shape& output = tensors.output.shape;
  const int32_t input_count = tensors.input.shape.ElementCount();
  data->rows = tensors.weights.shape.Dim(0);
  data->depth = tensors.weights.shape.Dim(1);
  data->batches = input_count / data->depth;
  return input_count % data->depth == 0 && output.Last() == data->rows &&
         int64_t{data->batches} * data->rows == output.ElementCount();
}

uint32_t ScratchBytes(const FullyConnectedData& data) {
  if (data.depth <= kPiece) {
    return static_cast<uint32_t>(WideBytes(data.depth));
  }
  const uint32_t sums = static_cast<uint32_t>(data.rows) * uint32_t{sizeof(int32_t)};
  return static_cast<uint32_t>(WideBytes(kPiece)) + sums;
}

const char* Prepare(PrepareContext& context) {
  const WeighedTensors tensors = ReadWeighedTensors(context);
  const char* reason = CheckWeighedTensors(context, tensors, 2, 0);
  if (reason != nullptr) {
    return reason;
  }
  if (context.options().Get<int8_t>(kWeightsFormat, 0) != 0) {
    return Why("shuffled weights");
  }
  auto* const data = context.AllocateData<FullyConnectedData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  if (!DoShapesFit(tensors, data)) {
    return Why("shapes of input, weights and output do not fit");
  }
  data->input_offset = -tensors.input.quantization.ZeroPoint();
  context.RequestScratch(ScratchBytes(*data));
  return PrepareChannelScaling(context, tensors, kFusedActivation, &data->scaling);
}

// One batch. The sums of a longer input's pieces add up in `totals`.
void Multiply(const FullyConnectedData& data, Scaling scaling, const int8_t* input,
              const int8_t* weights, int16_t* wide, int8_t* output) {
  int32_t* const totals = reinterpret_cast<int32_t*>(wide + kPiece);
  for (int32_t first = 0; first < data.depth; first += kPiece) {
    const int32_t left = data.depth - first;
    const int32_t piece = left < kPiece ? left : kPiece;
    const WideVector values = WidenForRows(input + first, piece, data.input_offset, wide);
    DotBlocksS8(values, weights + first, data.rows, data.depth,
                [&](int32_t row, int32_t* sums, int32_t count) {
                  const bool is_last = left <= kPiece;
                  if (first != 0 || !is_last) {
                    int32_t* const to = is_last ? sums : totals + row;
                    for (int32_t i = 0; i < count; ++i) {
                      to[i] = first != 0 ? WrappingAdd(totals[row + i], sums[i]) : sums[i];
                    }
                  }
                  if (!is_last) {
                    return;
                  }
                  scaling.Block(sums, count, output + row);
                  scaling.Skip(count);
                });
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<FullyConnectedData>();
  for (int32_t batch = 0; batch < data.batches; ++batch) {
    Multiply(data, ReadScaling(context, data.scaling, kBias),
             context.Input<int8_t>(kInput) + batch * data.depth, context.Input<int8_t>(kWeights),
             context.Scratch<int16_t>(), context.Output<int8_t>(0) + batch * data.rows);
  }
}

}  // namespace

extern const Operator kOperatorFullyConnected = {9, "FULLY_CONNECTED", Prepare, Invoke};

}  // namespace stapes

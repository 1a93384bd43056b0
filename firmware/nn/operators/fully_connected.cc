// FULLY_CONNECTED: output = activation(weights * input + bias), int8, scales per tensor or per row.
// Source: TensorFlow Lite 8-bit quantization specification, FULLY_CONNECTED.
#include "nn/kernels/dot.h"
#include "nn/operator.h"
#include "nn/operators/channel_scaling.h"
#include "nn/operators/operators.h"
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

const char* CheckShapes(const PrepareContext& context, const Tensor& input, const Tensor& weights,
                        const Tensor& output, FullyConnectedData* data) {
  data->rows = weights.shape.Dim(0);
  data->depth = weights.shape.Dim(1);
  data->batches = input.shape.ElementCount() / data->depth;
  if (input.shape.ElementCount() % data->depth != 0 || output.shape.Last() != data->rows ||
      int64_t{data->batches} * data->rows != output.shape.ElementCount() ||
      !IsBias(context.Input(kBias), data->rows)) {
    return "shapes of input, weights, bias and output do not fit";
  }
  return nullptr;
}

uint32_t ScratchBytes(const FullyConnectedData& data) {
  if (data.depth <= kPiece) return static_cast<uint32_t>(WideBytes(data.depth));
  const uint32_t sums = static_cast<uint32_t>(data.rows) * uint32_t{sizeof(int32_t)};
  return static_cast<uint32_t>(WideBytes(kPiece)) + sums;
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(kInput);
  const Tensor weights = context.Input(kWeights);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return "expected int8 input and output with one scale each";
  }
  if (!IsSymmetricWeights(weights, TensorType::kInt8, 0) || weights.shape.rank != 2 ||
      context.options().Get<int8_t>(kWeightsFormat, 0) != 0) {
    return "expected constant int8 weights, a matrix, zero point 0, one scale or one per row";
  }
  auto* const data = context.AllocateData<FullyConnectedData>();
  if (data == nullptr) return kArenaIsFull;
  if (const char* reason = CheckShapes(context, input, weights, output, data)) return reason;
  data->input_offset = -input.quantization.ZeroPoint();
  context.RequestScratch(ScratchBytes(*data));
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return PrepareChannelScaling(context, input, weights, output, activation,
                               SingleScale::kProductInFloat, &data->scaling);
}

void MultiplyWhole(const FullyConnectedData& data, const Scaling& scaling, const int8_t* input,
                   const int8_t* weights, int16_t* wide, int8_t* output) {
  WidenS8(input, data.depth, data.input_offset, wide);
  DotBlocksS8(wide, weights, data.rows, data.depth, data.depth,
              [&](int32_t row, const int32_t* sums, int32_t count) {
                scaling.From(row).Block(sums, count, output + row);
              });
}

void MultiplyInPieces(const FullyConnectedData& data, const Scaling& scaling, const int8_t* input,
                      const int8_t* weights, int16_t* wide, int8_t* output) {
  int32_t* const totals = reinterpret_cast<int32_t*>(wide + kPiece);
  for (int32_t row = 0; row < data.rows; ++row) totals[row] = 0;
  for (int32_t first = 0; first < data.depth; first += kPiece) {
    const int32_t piece = data.depth - first < kPiece ? data.depth - first : kPiece;
    WidenS8(input + first, piece, data.input_offset, wide);
    DotBlocksS8(wide, weights + first, data.rows, data.depth, piece,
                [&](int32_t row, const int32_t* sums, int32_t count) {
                  for (int32_t i = 0; i < count; ++i) {
                    totals[row + i] = WrappingAdd(totals[row + i], sums[i]);
                  }
                });
  }
  scaling.Block(totals, data.rows, output);
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<FullyConnectedData>();
  const Scaling scaling = ReadScaling(context, data.scaling, kBias);
  const auto multiply = data.depth <= kPiece ? MultiplyWhole : MultiplyInPieces;
  for (int32_t batch = 0; batch < data.batches; ++batch) {
    multiply(data, scaling, context.Input<int8_t>(kInput) + batch * data.depth,
             context.Input<int8_t>(kWeights), context.Scratch<int16_t>(),
             context.Output<int8_t>(0) + batch * data.rows);
  }
}

}  // namespace

extern const Operator kOperatorFullyConnected = {9, "FULLY_CONNECTED", Prepare, Invoke};

}  // namespace stapes

// FULLY_CONNECTED: output = activation(weights * input + bias), int8, scales per tensor or per row.
// Source: TensorFlow Lite 8-bit quantization specification, FULLY_CONNECTED.
#include "nn/kernels/dot.h"
#include "nn/kernels/requantize.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kWeights = 1;
constexpr int kBias = 2;
enum OptionsField { kFusedActivation, kWeightsFormat };

struct FullyConnectedData {
  int32_t batches;
  int32_t rows;   // output values per batch
  int32_t depth;  // input values per batch
  int32_t input_offset;
  int32_t output_offset;
  int32_t low;
  int32_t high;
  uint32_t significands;  // position of one int32 Q0.31, or one per row
  uint32_t shifts;        // position of one int8, or one per row
  int32_t channel_step;   // 1 with a scale per row, else 0
};

const char* CheckShapes(const PrepareContext& context, const Tensor& input, const Tensor& weights,
                        const Tensor& output, FullyConnectedData* data) {
  if (weights.shape.rank != 2) return "weights that are not a matrix";
  data->rows = weights.shape.Dim(0);
  data->depth = weights.shape.Dim(1);
  data->batches = input.shape.ElementCount() / data->depth;
  if (input.shape.ElementCount() % data->depth != 0 || output.shape.Last() != data->rows ||
      int64_t{data->batches} * data->rows != output.shape.ElementCount()) {
    return "shapes of input, weights and output do not fit";
  }
  if (!IsBias(context.Input(kBias), data->rows)) return "expected an int32 bias value per row";
  return nullptr;
}

// float64(float32(input * weights)) / float64(output): upstream's rounding differs from that of
// scales per row.
const char* SingleMultiplier(const Tensor& input, const Tensor& weights, const Tensor& output,
                             int32_t* significand, int8_t* shift) {
  const Real product = Multiply(ScaleOf(input), ScaleOf(weights), kFloatBits);
  const Multiplier multiplier = QuantizeMultiplier(Divide(product, ScaleOf(output), kDoubleBits));
  if (multiplier.shift > kMaxMultiplierShift) return "scales too far apart";
  *significand = multiplier.value;
  *shift = static_cast<int8_t>(multiplier.shift);
  return nullptr;
}

const char* PrepareMultipliers(PrepareContext& context, const Tensor& input, const Tensor& weights,
                               const Tensor& output, FullyConnectedData* data) {
  const uint32_t count = weights.quantization.scales.size();
  data->channel_step = count > 1 ? 1 : 0;
  data->significands = context.AllocatePersistent(count * uint32_t{sizeof(int32_t)});
  data->shifts = context.AllocatePersistent(count);
  if (data->shifts == PersistentMemory::kNone || data->significands == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  auto* const significands = context.Persistent<int32_t>(data->significands);
  auto* const shifts = context.Persistent<int8_t>(data->shifts);
  if (count == 1) return SingleMultiplier(input, weights, output, significands, shifts);
  return ChannelMultipliers(input, weights, output, count, significands, shifts);
}

const char* Prepare(PrepareContext& context) {
  const Tensor input = context.Input(kInput);
  const Tensor weights = context.Input(kWeights);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return "expected int8 input and output with one scale each";
  }
  if (!IsSymmetricWeights(weights, TensorType::kInt8, 0)) {
    return "expected constant int8 weights, zero point 0, one scale or one per row";
  }
  if (context.options().Get<int8_t>(kWeightsFormat, 0) != 0) return "shuffled weights";
  auto* const data = context.AllocateData<FullyConnectedData>();
  if (data == nullptr) return kArenaIsFull;
  const char* reason = CheckShapes(context, input, weights, output, data);
  if (reason == nullptr) reason = PrepareMultipliers(context, input, weights, output, data);
  if (reason != nullptr) return reason;
  data->input_offset = -input.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  context.RequestScratch(static_cast<uint32_t>(WideBytes(data->depth)));
  const auto activation = static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  return ActivationRange(activation, output, &data->low, &data->high);
}

struct Rows {
  const FullyConnectedData& data;
  const int32_t* bias;
  const int32_t* significands;
  const int8_t* shifts;

  int8_t Finish(int32_t row, int32_t sum) const {
    const int32_t channel = row * data.channel_step;
    if (bias != nullptr) sum = WrappingAdd(sum, bias[row]);
    const int32_t scaled = Requantize(sum, significands[channel], shifts[channel]);
    return static_cast<int8_t>(Clamp(WrappingAdd(scaled, data.output_offset), data.low, data.high));
  }
};

void MultiplyOne(const Rows& rows, const int16_t* wide, const int8_t* weights, int8_t* output) {
  const int32_t depth = rows.data.depth;
  const int32_t count = rows.data.rows;
  int32_t row = 0;
  for (; row + 4 <= count; row += 4) {
    int32_t sums[4];
    DotWideS8x4(wide, weights + row * depth, depth, depth, sums);
    for (int i = 0; i < 4; ++i) output[row + i] = rows.Finish(row + i, sums[i]);
  }
  for (; row < count; ++row) {
    output[row] = rows.Finish(row, DotWideS8(wide, weights + row * depth, depth));
  }
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<FullyConnectedData>();
  const Rows rows = {data, context.Input<int32_t>(kBias),
                     context.Persistent<int32_t>(data.significands),
                     context.Persistent<int8_t>(data.shifts)};
  int16_t* const wide = context.Scratch<int16_t>();
  for (int32_t batch = 0; batch < data.batches; ++batch) {
    WidenS8(context.Input<int8_t>(kInput) + batch * data.depth, data.depth, data.input_offset, wide);
    MultiplyOne(rows, wide, context.Input<int8_t>(kWeights),
                context.Output<int8_t>(0) + batch * data.rows);
  }
}

}  // namespace

extern const Operator kOperatorFullyConnected = {9, "FULLY_CONNECTED", Prepare, Invoke};

}  // namespace stapes

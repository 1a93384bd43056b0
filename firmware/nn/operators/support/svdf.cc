// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/svdf.h"

#include "nn/kernels/dot.h"
#include "nn/kernels/requantize.h"
#include "nn/kernels/scaling.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kFeatureWeights = 1;
constexpr int kTimeWeights = 2;
constexpr int kBias = 3;
enum OptionsField { kRank, kFusedActivation };

struct Tensors {
  Tensor input;
  Tensor feature;  // weights
  Tensor time;     // weights
  Tensor state;
  Tensor output;
};

bool IsState(const Tensor& state, TensorType type) {
  return state.variable && IsQuantized(state, type) &&
         (type == TensorType::kInt8 || state.quantization.ZeroPoint() == 0);
}

const char* CheckTypes(const Tensors& tensors, TensorType state) {
  if (!IsQuantizedInt8(tensors.input) || !IsQuantizedInt8(tensors.output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (!IsState(tensors.state, state)) {
    return Why("expected a variable of int8, or int16 and zero point 0, as state");
  }
  if (!IsSymmetricWeights(tensors.feature, TensorType::kInt8, kOneScale) ||
      !IsSymmetricWeights(tensors.time, state, kOneScale)) {
    return Why("expected constant weights of int8 and the state's type, zero point 0, one scale");
  }
  return nullptr;
}

const char* CheckShapes(const Tensors& tensors, const Tensor& bias, SvdfData* data) {
  const Shape& feature = tensors.feature.shape;
  const Shape& time = tensors.time.shape;
  const Shape& input = tensors.input.shape;
  const Shape& output = tensors.output.shape;
  data->batches = input.Dim(0);
  data->inputs = input.Dim(1);
  data->filters = feature.Dim(0);
  data->memory = time.Dim(1);
  if (data->rank <= 0 || data->filters % data->rank != 0) {
    return Why("rank does not divide the filters");
  }
  const int32_t units = data->filters / data->rank;
  if (input.rank != 2 || feature.rank != 2 || time.rank != 2 || output.rank != 2 ||
      feature.Dim(1) != data->inputs || time.Dim(0) != data->filters ||
      output.Dim(0) != data->batches || output.Dim(1) != units || !IsBias(bias, units) ||
      int64_t{data->batches} * data->filters * data->memory != tensors.state.shape.ElementCount()) {
    return Why("shapes of input, weights, bias, state and output do not fit");
  }
  return nullptr;
}

// Adds up `rank` filters per output, in whatever portions they come.
class Units {
 public:
  Units(const SvdfData& data, const int32_t* bias, int8_t* output)
      : rank_(data.rank),
        shift_(static_cast<int8_t>(data.time.shift)),
        scaling_{bias,     &data.time.value,           &shift_, 0, data.output_offset, INT8_MIN,
                 INT8_MAX, ScalesDown(data.time.shift)},
        output_(output) {}
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  // Overwrites the sums.
  void Add(int32_t* sums, int32_t count) {
    int32_t units = count;
    if (rank_ != 1) {
      units = 0;
      for (int32_t i = 0; i < count; ++i) {
        sum_ = WrappingAdd(sum_, sums[i]);
        if (++filters_ < rank_) {
          continue;
        }
        sums[units++] = sum_;
        filters_ = 0;
        sum_ = 0;
      }
    }
    scaling_.Block(sums, units, output_);
    if (scaling_.bias != nullptr) {
      scaling_.bias += units;  // its one multiplier is all units'
    }
    output_ += units;
  }

 private:
  const int32_t rank_;
  const int8_t shift_;
  Scaling scaling_;
  int8_t* output_;
  int32_t filters_ = 0;
  int32_t sum_ = 0;
};

void InvokeBatch(const InvokeContext& context, const SvdfData& data, int32_t batch,
                 int32_t state_value_bytes, SvdfTimeStage* time_stage) {
  const WideVector values =
      WidenForRows(context.Input<int8_t>(kInput) + batch * data.inputs, data.inputs,
                   data.input_offset, context.Scratch<int16_t>());
  const int32_t state_bytes = data.filters * data.memory * state_value_bytes;
  SvdfPlace place = {context.Input<void>(kTimeWeights),
                     context.Variable<uint8_t>(kSvdfState) + batch * state_bytes};
  Units units(data, context.Input<int32_t>(kBias),
              context.Output<int8_t>(0) + batch * (data.filters / data.rank));
  DotBlocksS8(values, context.Input<int8_t>(kFeatureWeights), data.filters, data.inputs,
              [&](int32_t, int32_t* sums, int32_t count) {
                time_stage(data, &place, sums, count);
                units.Add(sums, count);
              });
}

}  // namespace

const char* PrepareSvdf(PrepareContext& context, TensorType state) {
  if (context.input_count() != 5 || context.output_count() != 1) {
    return Why("expected 5 inputs and one output");
  }
  const Tensors tensors = {context.Input(kInput), context.Input(kFeatureWeights),
                           context.Input(kTimeWeights), context.Input(kSvdfState),
                           context.Output(0)};
  if (const char* reason = CheckTypes(tensors, state)) {
    return reason;
  }
  const int32_t activation = context.options().Get<int8_t>(kFusedActivation, 0);
  if (activation != static_cast<int32_t>(Activation::kNone) &&
      activation != static_cast<int32_t>(Activation::kRelu)) {
    return Why("a fused activation other than NONE, RELU");
  }
  auto* const data = context.AllocateData<SvdfData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->rank = context.options().Get<int32_t>(kRank, 0);
  if (const char* reason = CheckShapes(tensors, context.Input(kBias), data)) {
    return reason;
  }
  const uint32_t state_scale = tensors.state.quantization.ScaleBits();
  if (!QuantizeRatio(tensors.input.quantization.ScaleBits(),
                     tensors.feature.quantization.ScaleBits(), state_scale, &data->feature) ||
      !QuantizeRatio(state_scale, tensors.time.quantization.ScaleBits(),
                     tensors.output.quantization.ScaleBits(), &data->time)) {
    return Why("scales too far apart");
  }
  data->input_offset = -tensors.input.quantization.ZeroPoint();
  data->state_zero_point = tensors.state.quantization.ZeroPoint();
  data->output_offset = tensors.output.quantization.ZeroPoint();
  context.RequestScratch(static_cast<uint32_t>(WideBytes(data->inputs)));
  return nullptr;
}

void InvokeSvdf(const InvokeContext& context, int32_t state_value_bytes,
                SvdfTimeStage* time_stage) {
  const auto& data = context.Data<SvdfData>();
  for (int32_t batch = 0; batch < data.batches; ++batch) {
    InvokeBatch(context, data, batch, state_value_bytes, time_stage);
  }
}

}  // namespace stapes

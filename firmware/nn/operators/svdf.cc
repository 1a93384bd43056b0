// SVDF: a layer whose filters are products of a feature vector and a time vector, with memory.
//
// Every step each filter makes one value of the input (feature stage), remembers the last `memory`
// of them, and weighs those over time (time stage); `rank` filters add up to one output.
// Source: Alvarez and Park, arXiv 1812.02802; arithmetic of TensorFlow Lite's integer SVDF. As
// there, a fused activation has no effect beyond the output's int8 range.
//
// The remembered values lie oldest first, as upstream has them: they move on by one place while they
// are weighed, which costs less than a ring whose halves are never aligned.
#include "nn/kernels/dot.h"
#include "nn/kernels/requantize.h"
#include "nn/kernels/scaling.h"
#include "nn/kernels/time_stage.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kInput = 0;
constexpr int kFeatureWeights = 1;
constexpr int kTimeWeights = 2;
constexpr int kBias = 3;
constexpr int kState = 4;
enum OptionsField { kRank, kFusedActivation };

struct SvdfData {
  int32_t batches;
  int32_t inputs;   // values per batch
  int32_t filters;  // units * rank
  int32_t rank;
  int32_t memory;
  int32_t input_offset;
  int32_t state_zero_point;
  int32_t output_offset;
  Multiplier feature;  // input * feature weights / state
  Multiplier time;     // state * time weights / output
  bool is_int8_state;
};

const char* CheckShapes(const PrepareContext& context, SvdfData* data) {
  const Shape input = context.Input(kInput).shape;
  const Shape feature = context.Input(kFeatureWeights).shape;
  const Shape time = context.Input(kTimeWeights).shape;
  const Shape state = context.Input(kState).shape;
  const Shape output = context.Output(0).shape;
  if (input.rank != 2 || feature.rank != 2 || time.rank != 2 || output.rank != 2) {
    return "expected matrices for input, weights and output";
  }
  data->rank = context.options().Get<int32_t>(kRank, 0);
  data->batches = input.Dim(0);
  data->inputs = input.Dim(1);
  data->filters = feature.Dim(0);
  data->memory = time.Dim(1);
  if (data->rank <= 0 || data->filters % data->rank != 0) return "rank does not divide the filters";
  if (feature.Dim(1) != data->inputs || time.Dim(0) != data->filters ||
      output.Dim(0) != data->batches || output.Dim(1) != data->filters / data->rank) {
    return "shapes of input, weights and output do not fit";
  }
  if (int64_t{data->batches} * data->filters * data->memory != state.ElementCount()) {
    return "the state is not batch * filters * memory values";
  }
  return nullptr;
}

// Elsewhere the state would be seen in another order than upstream's.
bool IsUsedOnce(const PrepareContext& context, int32_t tensor) {
  int uses = 0;
  for (uint32_t i = 0; i < Model::OperatorCount(context.subgraph()); ++i) {
    const FlatVector inputs = context.model().ReadOperator(context.subgraph(), i).inputs;
    for (uint32_t j = 0; j < inputs.size(); ++j) uses += inputs.Get<int32_t>(j) == tensor ? 1 : 0;
  }
  return uses == 1;
}

const char* CheckState(const PrepareContext& context, const Tensor& state) {
  if (!state.exists || !state.variable || !IsUsedOnce(context, context.InputIndex(kState))) {
    return "expected a variable tensor of its own as state";
  }
  if (state.quantization.scales.size() != 1 || !IsScale(state.quantization.ScaleBits())) {
    return "expected one scale for the state";
  }
  if (state.type == TensorType::kInt8) return nullptr;
  if (state.type != TensorType::kInt16) return "expected an int16 or int8 state";
  return state.quantization.ZeroPoint() == 0 ? nullptr : "expected an int16 state of zero point 0";
}

const char* CheckTypes(const PrepareContext& context) {
  if (context.input_count() != 5 || context.output_count() != 1) {
    return "expected 5 inputs and one output";
  }
  if (!IsQuantizedInt8(context.Input(kInput)) || !IsQuantizedInt8(context.Output(0))) {
    return "expected int8 input and output with one scale each";
  }
  const Tensor state = context.Input(kState);
  if (const char* reason = CheckState(context, state)) return reason;
  if (!IsSymmetricWeights(context.Input(kFeatureWeights), TensorType::kInt8, kOneScale)) {
    return "expected constant int8 feature weights, zero point 0, one scale";
  }
  if (!IsSymmetricWeights(context.Input(kTimeWeights), state.type, kOneScale)) {
    return "expected constant time weights of the state's type, zero point 0, one scale";
  }
  const auto activation =
      static_cast<Activation>(context.options().Get<int8_t>(kFusedActivation, 0));
  if (activation != Activation::kNone && activation != Activation::kRelu) {
    return "a fused activation other than NONE, RELU";
  }
  return nullptr;
}

// float32(float32(a * b) / c), as upstream rounds.
Multiplier RatioInFloat(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Real product = Multiply(ScaleOf(a), ScaleOf(b), kFloatBits);
  return QuantizeMultiplier(Divide(product, ScaleOf(c), kFloatBits));
}

const char* Prepare(PrepareContext& context) {
  if (const char* reason = CheckTypes(context)) return reason;
  auto* const data = context.AllocateData<SvdfData>();
  if (data == nullptr) return kArenaIsFull;
  if (const char* reason = CheckShapes(context, data)) return reason;
  if (!IsBias(context.Input(kBias), data->filters / data->rank)) {
    return "expected an int32 bias value per unit";
  }
  const Tensor input = context.Input(kInput);
  const Tensor state = context.Input(kState);
  const Tensor output = context.Output(0);
  data->feature = RatioInFloat(input, context.Input(kFeatureWeights), state);
  data->time = RatioInFloat(state, context.Input(kTimeWeights), output);
  if (data->feature.shift > kMaxMultiplierShift || data->time.shift > kMaxMultiplierShift) {
    return "scales too far apart";
  }
  data->input_offset = -input.quantization.ZeroPoint();
  data->state_zero_point = state.quantization.ZeroPoint();
  data->output_offset = output.quantization.ZeroPoint();
  data->is_int8_state = state.type == TensorType::kInt8;
  context.RequestScratch(static_cast<uint32_t>(WideBytes(data->inputs)));
  return nullptr;
}

// One filter's new value into its memory, oldest first; returns what the memory weighs.
template <typename T>
int32_t PushAndDot(const SvdfData& data, const T* weights, T* values, T newest) {
  uint32_t sum = 0;
  for (int32_t i = 0; i < data.memory; ++i) {
    const T value = i + 1 < data.memory ? values[i + 1] : newest;
    values[i] = value;
    sum += static_cast<uint32_t>(weights[i] * (value - data.state_zero_point));
  }
  return static_cast<int32_t>(sum);
}

// Replaces sums of the feature stage by those of the time stage.
template <typename T>
void PushAndDotAll(const SvdfData& data, const T* weights, T* state, int32_t* sums, int32_t count) {
  constexpr int32_t kLow = sizeof(T) == 1 ? INT8_MIN : INT16_MIN;
  constexpr int32_t kHigh = sizeof(T) == 1 ? INT8_MAX : INT16_MAX;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t value = Clamp(Requantize(sums[i], data.feature), kLow, kHigh);
    sums[i] = PushAndDot(data, weights + i * data.memory, state + i * data.memory,
                         static_cast<T>(value + data.state_zero_point));
  }
}

void WeighOverTime(const SvdfData& data, const int8_t* weights, int8_t* state, int32_t* sums,
                   int32_t count) {
  PushAndDotAll(data, weights, state, sums, count);
}

void WeighOverTime(const SvdfData& data, const int16_t* weights, int16_t* state, int32_t* sums,
                   int32_t count) {
  const TimeFilters filters = {data.memory, data.feature};
  if (CanPushAndWeigh(filters, data.inputs, weights, state)) {
    PushAndWeigh(filters, weights, state, sums, count);
  } else {
    PushAndDotAll(data, weights, state, sums, count);
  }
}

// Adds up `rank` filters per output, in whatever portions they come.
class Units {
 public:
  Units(const SvdfData& data, const int32_t* bias, int8_t* output)
      : rank_(data.rank),
        shift_(static_cast<int8_t>(data.time.shift)),
        scaling_{bias,      &data.time.value, &shift_,  0, data.output_offset,
                 INT8_MIN,  INT8_MAX,         ScalesDown(data.time.shift)},
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
        if (++filters_ < rank_) continue;
        sums[units++] = sum_;
        filters_ = 0;
        sum_ = 0;
      }
    }
    scaling_.Block(sums, units, output_);
    scaling_ = scaling_.From(units);
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

template <typename T>
void InvokeBatch(const InvokeContext& context, const SvdfData& data, int32_t batch) {
  int16_t* const wide = context.Scratch<int16_t>();
  WidenS8(context.Input<int8_t>(kInput) + batch * data.inputs, data.inputs, data.input_offset,
          wide);
  T* const state = context.Variable<T>(kState) + batch * data.filters * data.memory;
  const T* const time_weights = context.Input<T>(kTimeWeights);
  Units units(data, context.Input<int32_t>(kBias),
              context.Output<int8_t>(0) + batch * (data.filters / data.rank));
  DotBlocksS8(wide, context.Input<int8_t>(kFeatureWeights), data.filters, data.inputs, data.inputs,
              [&](int32_t filter, int32_t* sums, int32_t count) {
                const int32_t first = filter * data.memory;
                WeighOverTime(data, time_weights + first, state + first, sums, count);
                units.Add(sums, count);
              });
}

void Invoke(const InvokeContext& context) {
  const auto& data = context.Data<SvdfData>();
  for (int32_t batch = 0; batch < data.batches; ++batch) {
    if (data.is_int8_state) {
      InvokeBatch<int8_t>(context, data, batch);
    } else {
      InvokeBatch<int16_t>(context, data, batch);
    }
  }
}

}  // namespace

extern const Operator kOperatorSvdf = {27, "SVDF", Prepare, Invoke};

}  // namespace stapes

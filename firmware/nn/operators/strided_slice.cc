// SPDX-License-Identifier: Apache-2.0
// STRIDED_SLICE: a part of the input with fixed bounds, int8. Bounds follow NumPy's rules for
// negative indices, as in TensorFlow; ellipsis and new axes are not taken.
#include "nn/operator.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/strided_copy.h"
#include "nn/quantization.h"

namespace stapes {
namespace {

constexpr int kBegin = 1;
constexpr int kEnd = 2;
constexpr int kStrides = 3;
enum OptionsField { kBeginMask, kEndMask, kEllipsisMask, kNewAxisMask, kShrinkAxisMask, kOffset };

struct Bounds {
  int64_t begin;
  int64_t end;
  int64_t stride;
  bool from_start;  // begin is to be ignored
  bool to_end;      // end is to be ignored
  bool single;      // only `begin` counts
};

int64_t ClampIndex(int64_t index, int64_t low, int64_t high) {
  return index < low ? low : (index > high ? high : index);
}

// Number of values taken along a dimension of `size`; sets `begin` to the first.
int64_t ResolveBounds(Bounds* bounds, int64_t size) {
  // Backwards, the place before the first value is a valid end.
  const int64_t low = bounds->stride > 0 ? 0 : -1;
  const int64_t high = bounds->stride > 0 ? size : size - 1;
  if (bounds->begin < 0) {
    bounds->begin += size;
  }
  if (bounds->end < 0) {
    bounds->end += size;
  }
  bounds->begin = ClampIndex(bounds->begin, low, high);
  bounds->end = ClampIndex(bounds->end, low, high);
  if (bounds->from_start) {
    bounds->begin = bounds->stride > 0 ? 0 : size - 1;
  }
  if (bounds->to_end) {
    bounds->end = bounds->stride > 0 ? size : -1;
  }
  if (bounds->single) {
    return bounds->begin >= 0 && bounds->begin < size ? 1 : 0;
  }
  const int64_t away = bounds->stride > 0 ? 1 : -1;
  const int64_t count = (bounds->end - bounds->begin + bounds->stride - away) / bounds->stride;
  return count > 0 ? count : 0;
}

const char* CheckTypes(const PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (context.output_count() != 1 || !IsQuantizedInt8(input) || !IsQuantizedInt8(output)) {
    return Why("expected int8 input and output with one scale each");
  }
  if (!HaveSameQuantization(input, output)) {
    return Why("input and output differ in quantization");
  }
  for (int i = kBegin; i <= kStrides; ++i) {
    if (!IsInt32List(context.Input(i), input.shape.rank)) {
      return Why("expected constant begin, end and stride per dimension");
    }
  }
  const FlatTable& options = context.options();
  if (options.Get<int32_t>(kEllipsisMask, 0) != 0 || options.Get<int32_t>(kNewAxisMask, 0) != 0 ||
      options.Get<uint8_t>(kOffset, 0) != 0) {
    return Why("ellipsis, new axes or offsets");
  }
  return nullptr;
}

Bounds BoundsOf(const PrepareContext& context, int d) {
  const auto has = [&](int field) {
    return (context.options().Get<int32_t>(field, 0) >> d & 1) != 0;
  };
  return {Int32At(context.Input(kBegin), d),
          Int32At(context.Input(kEnd), d),
          Int32At(context.Input(kStrides), d),
          has(kBeginMask),
          has(kEndMask),
          has(kShrinkAxisMask)};
}

const char* Prepare(PrepareContext& context) {
  if (const char* reason = CheckTypes(context)) {
    return reason;
  }
  const Shape input = context.Input(0).shape;
  const Shape output = context.Output(0).shape;
  auto* const copy = context.AllocateData<StridedCopy>();
  if (copy == nullptr) {
    return kArenaIsFull;
  }
  int32_t steps[Shape::kMaxRank];
  DenseSteps(input, steps);
  PaddedDims(Shape(), copy->dims);
  Shape taken;
  taken.rank = input.rank;
  int kept = 0;  // dimensions of the output met so far
  for (int d = 0; d < input.rank; ++d) {
    Bounds bounds = BoundsOf(context, d);
    if (bounds.stride == 0) {
      return Why("a stride of 0");
    }
    const int64_t count = ResolveBounds(&bounds, input.Dim(d));
    const bool fits = bounds.single || (kept < output.rank && output.Dim(kept) == count);
    if (count == 0 || !fits) {
      return Why("the output's shape does not follow from the bounds");
    }
    kept += bounds.single ? 0 : 1;
    taken.dims[d] = static_cast<int32_t>(count);
    const int place = PaddedPlace(input, d);
    copy->dims[place] = static_cast<int32_t>(count);
    // A single value never takes its stride, which could be beyond int32.
    copy->input_steps[place] = count > 1 ? static_cast<int32_t>(bounds.stride * steps[place]) : 0;
    copy->input_start += static_cast<int32_t>(bounds.begin) * steps[place];
  }
  DenseSteps(taken, copy->output_steps);
  return kept == output.rank ? nullptr : Why("the output's shape does not follow from the bounds");
}

void Invoke(const InvokeContext& context) {
  CopyStrided(context.Data<StridedCopy>(), context.Input<int8_t>(0), context.Output<int8_t>(0));
}

}  // namespace

extern const Operator kOperatorStridedSlice = {45, "STRIDED_SLICE", Prepare, Invoke};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/same_values.h"

#include <cstring>

namespace stapes {
namespace {

struct SameValuesData {
  uint32_t bytes;
};

// The first dimension from `d` on that is not 1; the rank if there is none.
int NextAboveOne(const Shape& shape, int d) {
  while (d < shape.rank && shape.Dim(d) == 1) {
    ++d;
  }
  return d;
}

}  // namespace

const char* PrepareSameValues(PrepareContext& context) {
  const Tensor input = context.Input(0);
  const Tensor output = context.Output(0);
  if (!input.exists || context.output_count() != 1) {
    return Why("expected an input and one output");
  }
  if (input.type != output.type || input.byte_count != output.byte_count) {
    return Why("input and output differ in type or in number of values");
  }
  auto* const data = context.AllocateData<SameValuesData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->bytes = input.byte_count;
  context.AllowInPlace(0);
  return nullptr;
}

void InvokeSameValues(const InvokeContext& context) {
  const uint8_t* const input = context.Input<uint8_t>(0);
  uint8_t* const output = context.Output<uint8_t>(0);
  if (input != output) {
    std::memcpy(output, input, context.Data<SameValuesData>().bytes);
  }
}

bool IsSameBesideOnes(const Shape& a, const Shape& b) {
  int i = NextAboveOne(a, 0);
  int j = NextAboveOne(b, 0);
  while (i < a.rank && j < b.rank) {
    if (a.Dim(i) != b.Dim(j)) {
      return false;
    }
    i = NextAboveOne(a, i + 1);
    j = NextAboveOne(b, j + 1);
  }
  return i == a.rank && j == b.rank;
}

}  // namespace stapes

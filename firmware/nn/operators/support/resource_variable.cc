// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/resource_variable.h"

#include <cstring>

namespace stapes {
namespace {

constexpr uint32_t kNotFound = 0xffffffff;
enum OptionsField { kContainer, kSharedName };

// A name ends at its first zero, as upstream reads it.
uint32_t Length(const FlatVector& name) {
  uint32_t length = 0;
  while (length < name.size() && name.bytes().data()[length] != 0) {
    ++length;
  }
  return length;
}

bool SameText(const FlatVector& a, const FlatVector& b) {
  const uint32_t length = Length(a);
  return length == Length(b) &&
         (length == 0 || std::memcmp(a.bytes().data(), b.bytes().data(), length) == 0);
}

// The VAR_HANDLE of this subgraph that makes tensor `handle`.
OperatorCall FindMaker(const PrepareContext& context, int32_t handle) {
  for (uint32_t i = 0; i < Model::OperatorCount(context.subgraph()); ++i) {
    const OperatorCall call = context.model().ReadOperator(context.subgraph(), i);
    if (call.builtin_code == kVarHandleCode && call.outputs.Get<int32_t>(0) == handle) {
      return call;
    }
  }
  return {};
}

// Index, through all subgraphs, of the first VAR_HANDLE of the same name.
uint32_t FindKeeper(const PrepareContext& context, const OperatorCall& maker) {
  uint32_t node = 0;
  for (uint32_t s = 0; s < context.model().subgraph_count(); ++s) {
    const FlatTable subgraph = context.model().Subgraph(s);
    for (uint32_t i = 0; i < Model::OperatorCount(subgraph); ++i, ++node) {
      const OperatorCall call = context.model().ReadOperator(subgraph, i);
      if (call.builtin_code == kVarHandleCode &&
          SameText(call.options.Vector(kContainer, 1), maker.options.Vector(kContainer, 1)) &&
          SameText(call.options.Vector(kSharedName, 1), maker.options.Vector(kSharedName, 1))) {
        return node;
      }
    }
  }
  return kNotFound;
}

}  // namespace

const char* UseVariable(PrepareContext& context, const Tensor& value, uint32_t* position) {
  const OperatorCall maker = FindMaker(context, context.InputIndex(0));
  const uint32_t keeper = FindKeeper(context, maker);
  if (maker.builtin_code != kVarHandleCode || keeper == kNotFound ||
      context.DataOfNode(keeper) == PersistentMemory::kNone) {
    return Why("expected the output of a VAR_HANDLE");
  }
  *position = context.DataOfNode(keeper);
  auto* const variable = context.Persistent<ResourceVariable>(*position);
  if (variable->bytes != 0) {
    return variable->bytes == value.byte_count ? nullptr : Why("a variable used with two sizes");
  }
  const uint32_t content = context.AllocatePersistent(value.byte_count);
  if (content == PersistentMemory::kNone) {
    return kArenaIsFull;
  }
  variable->bytes = value.byte_count;
  variable->position = content;
  variable->fill = value.quantization.ZeroPoint();
  return nullptr;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/operator.h"

#include <cstring>

namespace stapes {

const char kArenaIsFull[] = "the arena is too small";

uint32_t PersistentMemory::Allocate(uint32_t bytes) {
  const uint32_t rounded = (bytes + 7) & ~uint32_t{7};
  // Requests come from tensors of at most 1 GiB; a sum that wraps has failed long before.
  needed_ = needed_ > kInModel ? needed_ : needed_ + rounded;
  if (used_ != needed_ - rounded || rounded > size() - used_) {
    return kNone;
  }
  const uint32_t position = used_;
  used_ += rounded;
  std::memset(at(position), 0, rounded);
  return position;
}

PrepareContext::PrepareContext(const Model& model, const FlatTable& subgraph,
                               const OperatorCall& call, PersistentMemory* memory,
                               const Node* all_nodes, Node* node)
    : model_(model),
      subgraph_(subgraph),
      call_(call),
      memory_(memory),
      all_nodes_(all_nodes),
      node_(node) {}

int32_t PrepareContext::InputIndex(int index) const {
  if (index < 0 || index >= input_count()) {
    return -1;
  }
  return call_.inputs.Get<int32_t>(static_cast<uint32_t>(index));
}

Tensor PrepareContext::Input(int index) const {
  Tensor tensor;
  const int32_t position = InputIndex(index);
  if (position >= 0) {
    model_.ReadTensor(subgraph_, static_cast<uint32_t>(position), &tensor);
  }
  return tensor;
}

Tensor PrepareContext::Output(int index) const {
  Tensor tensor;
  if (index < 0 || index >= output_count()) {
    return tensor;
  }
  const uint32_t position = call_.outputs.Get<uint32_t>(static_cast<uint32_t>(index));
  model_.ReadTensor(subgraph_, position, &tensor);
  return tensor;
}

uint8_t* PrepareContext::AllocateDataBytes(uint32_t bytes) {
  node_->data = memory_->Allocate(bytes);
  return node_->data == PersistentMemory::kNone ? nullptr : memory_->at(node_->data);
}

const void* InvokeContext::InputAt(int index) const {
  return index < node_.input_count ? At(node_.inputs, index) : nullptr;
}

void* InvokeContext::OutputAt(int index) const {
  return const_cast<void*>(At(node_.outputs, index));
}

const void* InvokeContext::At(uint32_t indices, int index) const {
  int32_t tensor;
  std::memcpy(&tensor, memory_.model + indices + 4 * index, sizeof(tensor));
  if (tensor < 0) {
    return nullptr;
  }
  const Address address = memory_.tensors[node_.first_tensor + tensor];
  return (address & kInModel) != 0 ? memory_.model + (address & ~kInModel)
                                   : memory_.arena + address;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What an operator of the network provides, and what it is given.
//
// `prepare` checks shapes, types and quantization once, so that `invoke` has nothing left that can
// fail. Run-time records hold positions instead of pointers: a model needs the same arena on every
// machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "nn/model.h"
#include "nn/status.h"

namespace stapes {

class PrepareContext;
class InvokeContext;

struct Operator {
  int32_t builtin_code;
  const char* name;
  // Returns nullptr, or why this use of the operator is refused (a literal).
  const char* (*prepare)(PrepareContext& context);
  void (*invoke)(const InvokeContext& context);
  // Puts state that lies outside variable tensors back to its start; nullptr for most operators.
  void (*reset)(const InvokeContext& context) = nullptr;
};

// One operator call of the model, as kept in the arena.
struct Node {
  uint32_t inputs;  // position of the int32 tensor indices in the model
  uint32_t outputs;
  uint32_t data;     // position of the operator's own data in the arena
  uint32_t scratch;  // position of its scratch memory in the arena
  uint32_t scratch_bytes;
  uint16_t first_tensor;   // of its subgraph
  uint8_t operator_index;  // in the list given to Init
  uint8_t input_count;
  uint8_t output_count;
  int8_t in_place_input;  // output 0 may take this input's memory; -1 for none
  uint16_t is_wide;       // operators/support/wide.h
};

// Position of a tensor's data: in the arena, or in the model if the top bit is set.
using Address = uint32_t;
constexpr Address kInModel = 0x80000000;
constexpr Address kUnplaced = 0xffffffff;

// Growing part of the arena whose content lasts as long as the engine.
class PersistentMemory {
 public:
  static constexpr uint32_t kNone = 0xffffffff;

  PersistentMemory() = default;
  explicit PersistentMemory(Span<uint8_t> arena) : arena_(arena) {}

  // Position of `bytes` zeroed bytes, 8-byte aligned; kNone when the arena is full.
  uint32_t Allocate(uint32_t bytes);
  uint32_t used() const { return used_; }
  // Bytes that would have been enough so far.
  uint32_t needed() const { return needed_; }
  uint8_t* at(uint32_t position) const { return arena_.data() + position; }
  uint32_t size() const { return static_cast<uint32_t>(arena_.size()); }

 private:
  Span<uint8_t> arena_;
  uint32_t used_ = 0;
  uint32_t needed_ = 0;
};

// The reason that stands for a full arena; compared by address.
extern const char kArenaIsFull[];

class PrepareContext {
 public:
  PrepareContext(const Model& model, const FlatTable& subgraph, const OperatorCall& call,
                 PersistentMemory* memory, const Node* all_nodes, Node* node);

  int input_count() const { return node_->input_count; }
  int output_count() const { return node_->output_count; }
  // A tensor with `exists` false when it is absent.
  Tensor Input(int index) const;
  Tensor Output(int index) const;
  int32_t InputIndex(int index) const;  // in the subgraph, -1 when absent
  const FlatTable& options() const { return call_.options; }
  const FlatTable& subgraph() const { return subgraph_; }
  const Model& model() const { return model_; }
  // Position of the own data of node `index`, which counts through all subgraphs;
  // PersistentMemory::kNone unless the node comes before this one, and is therefore prepared.
  uint32_t DataOfNode(uint32_t index) const {
    return all_nodes_ + index < node_ ? all_nodes_[index].data : PersistentMemory::kNone;
  }

  // Zeroed memory that `invoke` finds again; nullptr when the arena is full.
  template <typename T>
  T* AllocateData() {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8, "kept as bytes");
    return reinterpret_cast<T*>(AllocateDataBytes(sizeof(T)));
  }
  // What AllocateData gave.
  template <typename T>
  const T* PreparedData() const {
    return reinterpret_cast<const T*>(memory_->at(node_->data));
  }
  // Position of persistent memory beside it, PersistentMemory::kNone when the arena is full.
  uint32_t AllocatePersistent(uint32_t bytes) { return memory_->Allocate(bytes); }
  template <typename T>
  T* Persistent(uint32_t position) {
    return reinterpret_cast<T*>(memory_->at(position));
  }
  // Memory for the time of one invoke.
  void RequestScratch(uint32_t bytes) { node_->scratch_bytes = bytes; }
  // Marks the call for `invoke`.
  void SetWide() { node_->is_wide = 1; }
  // Lets output 0 overwrite this input where nobody reads it later.
  void AllowInPlace(int input) { node_->in_place_input = static_cast<int8_t>(input); }

 private:
  uint8_t* AllocateDataBytes(uint32_t bytes);

  const Model& model_;
  const FlatTable& subgraph_;
  const OperatorCall& call_;
  PersistentMemory* memory_;
  const Node* all_nodes_;
  Node* node_;
};

// Addresses of everything, handed from one node to the next.
struct Memory {
  const uint8_t* model;
  uint8_t* arena;
  const Address* tensors;
};

class InferenceEngine;

class InvokeContext {
 public:
  InvokeContext(const Memory& memory, const Node& node, InferenceEngine* engine)
      : memory_(memory), node_(node), engine_(engine) {}

  // nullptr when absent.
  template <typename T>
  const T* Input(int index) const {
    return static_cast<const T*>(InputAt(index));
  }
  // Only for outputs and variables that `prepare` has seen.
  template <typename T>
  T* Output(int index) const {
    return static_cast<T*>(OutputAt(index));
  }
  // Variable tensors are inputs by form.
  template <typename T>
  T* Variable(int index) const {
    return static_cast<T*>(const_cast<void*>(InputAt(index)));
  }
  template <typename T>
  T& Data() const {
    return *reinterpret_cast<T*>(memory_.arena + node_.data);
  }
  template <typename T>
  T* Persistent(uint32_t position) const {
    return reinterpret_cast<T*>(memory_.arena + position);
  }
  template <typename T>
  T* Scratch() const {
    return reinterpret_cast<T*>(memory_.arena + node_.scratch);
  }
  bool is_wide() const { return node_.is_wide != 0; }
  InferenceEngine* engine() const { return engine_; }

 private:
  const void* InputAt(int index) const;
  void* OutputAt(int index) const;
  const void* At(uint32_t indices, int index) const;

  const Memory& memory_;
  const Node& node_;
  InferenceEngine* engine_;
};

}  // namespace stapes

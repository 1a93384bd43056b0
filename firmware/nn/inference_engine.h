// SPDX-License-Identifier: Apache-2.0
// Runs an int8 .tflite network, read in place, in memory given by the caller.
//
// Numerics: those of TensorFlow Lite's int8 specification, bit for bit as upstream TFLM's reference
// kernels compute them.
#pragma once

#ifdef STAPES_ENGINE_TFLM
#include "nn_tflm/inference_engine.h"
#else

#include <cstdint>

#include "base/span.h"
#include "nn/engine_base.h"
#include "nn/memory_plan.h"

namespace stapes {

class InferenceEngine : public EngineBase {
 public:
  InferenceEngine() = default;

  // Checks the whole model and lays out the arena. `model` (16-byte aligned), `operators` and
  // `arena` (8-byte aligned) must outlive the engine. Takes models with one input and one output of
  // int8, uint8, int16, int32 or float32. On failure error() says what was wrong; Init may be
  // called again.
  Status Init(Span<const uint8_t> model, Span<const Operator* const> operators,
              Span<uint8_t> arena);

  // One inference; kNotReady without a successful Init, else kOk.
  Status Invoke();
  // Variable tensors and resource variables back to their start.
  void Reset();

  // Runs the nodes of one subgraph: for operators that call others.
  void InvokeSubgraph(uint32_t subgraph);
  // Runs one node, counted through all subgraphs: for measurements.
  void InvokeNode(uint32_t index);

  // The plan, for those who show it: a place per tensor and a node per operator of all subgraphs;
  // below persistent_bytes() lie both lists, the operators' own data and variables.
  Span<const Address> addresses() const { return {addresses_, tensor_count_}; }
  Span<const Node> nodes() const { return {nodes_, node_count_}; }
  uint32_t persistent_bytes() const { return persistent_.used(); }

 private:
  static constexpr uint32_t kMaxSubgraphs = 8;
  // Where a subgraph's tensors and nodes begin, counted through all subgraphs.
  struct First {
    uint16_t tensor;
    uint16_t node;
  };

  Status ArenaTooSmall();
  Status CountEverything();
  Status PlaceConstantsAndVariables(uint32_t subgraph_index);
  Status FindInputAndOutput();
  Status PrepareSubgraph(uint32_t subgraph_index);
  Status PrepareNode(const FlatTable& subgraph, uint32_t index, Node* node);
  const char* CheckIndices(const FlatTable& subgraph, const OperatorCall& call, const Node& node);
  Status CheckOutputIsWritten();
  Status PlanActivations();
  uint32_t ListTensorBuffers(Span<PlannedBuffer> buffers);
  uint32_t ListScratchBuffers(Span<PlannedBuffer> buffers, uint32_t count);
  void MeasureLifetimes(Span<PlannedBuffer> buffers);
  void ShareInPlace(Span<PlannedBuffer> buffers);
  void AssignAddresses(Span<const PlannedBuffer> buffers, uint32_t base);
  Status View(const FlatVector& indices, TensorView* view);
  uint32_t TensorCount(uint32_t subgraph) const {
    return uint32_t{first_[subgraph + 1].tensor} - first_[subgraph].tensor;
  }
  uint8_t* Resolve(Address address) const { return persistent_.at(address); }

  Memory memory_ = {};
  Address* addresses_ = nullptr;
  Node* nodes_ = nullptr;
  uint32_t subgraph_count_ = 0;
  uint32_t tensor_count_ = 0;  // of all subgraphs
  uint32_t node_count_ = 0;
  First first_[kMaxSubgraphs + 1] = {};
  uint32_t input_index_ = 0;
  uint32_t output_index_ = 0;
};

}  // namespace stapes

#endif

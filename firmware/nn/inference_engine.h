// Runs an int8 .tflite network, read in place, in memory given by the caller.
//
// Numerics: those of TensorFlow Lite's int8 specification, bit for bit as upstream TFLM's reference
// kernels compute them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"
#include "nn/memory_plan.h"
#include "nn/model.h"
#include "nn/operator.h"
#include "nn/status.h"

namespace stapes {

// One input or output of the network. The memory belongs to the engine.
struct TensorView {
  int8_t* data = nullptr;  // of other elements when `type` says so; aligned to 8 bytes
  std::size_t size = 0;    // elements
  TensorType type = TensorType::kInt8;
  Shape shape;
  uint32_t scale_bits = 0;  // float32: real = scale * (value - zero_point); 0 for float32 values
  int32_t zero_point = 0;
};

class InferenceEngine {
 public:
  InferenceEngine() = default;
  InferenceEngine(const InferenceEngine&) = delete;
  InferenceEngine& operator=(const InferenceEngine&) = delete;

  // Checks the whole model and lays out the arena. `model` (16-byte aligned), `operators` and
  // `arena` (8-byte aligned) must outlive the engine. Takes models with one input and one output of
  // int8, uint8, int16, int32 or float32. On failure error() says what was wrong; Init may be
  // called again.
  Status Init(Span<const uint8_t> model, Span<const Operator* const> operators,
              Span<uint8_t> arena);

  // Fill the input before every Invoke: its memory may be used again while the network runs.
  TensorView input() const { return input_; }
  TensorView output() const { return output_; }

  // One inference; kNotReady without a successful Init, else kOk.
  Status Invoke();
  // Variable tensors and resource variables back to their start.
  void Reset();

  // Bytes of the arena with which Init succeeds; the same on every machine.
  std::size_t arena_used() const { return arena_used_; }
  const ErrorDetails& error() const { return error_; }
  const Model& model() const { return model_; }
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

  Status Fail(Status status, const char* reason);
  Status Refuse(const char* reason);
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

  Model model_;
  Span<const Operator* const> operators_;
  PersistentMemory persistent_;
  Memory memory_ = {};
  Address* addresses_ = nullptr;
  Node* nodes_ = nullptr;
  uint32_t subgraph_count_ = 0;
  uint32_t tensor_count_ = 0;  // of all subgraphs
  uint32_t node_count_ = 0;
  First first_[kMaxSubgraphs + 1] = {};
  uint32_t input_index_ = 0;
  uint32_t output_index_ = 0;
  TensorView input_;
  TensorView output_;
  ErrorDetails error_;
  std::size_t arena_used_ = 0;
  bool ready_ = false;
};

}  // namespace stapes

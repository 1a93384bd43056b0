// SPDX-License-Identifier: Apache-2.0
#include "nn/inference_engine.h"

#include <cstring>

namespace stapes {
namespace {

constexpr uint32_t kMaxTensors = 4096;
constexpr uint32_t kMaxNodes = 2048;
constexpr uint32_t kMaxArenaBytes = uint32_t{1} << 28;

// What addresses hold until memory is planned, beside positions in the model.
constexpr Address kWritten = 0xfffffffe;        // computed at run time, not placed yet
constexpr Address kVariablePlace = 0x40000000;  // plus a position in the arena
constexpr Address kSharesBuffer = 0x20000000;   // plus the index of the tensor it shares with
constexpr Address kStateBits = 0xe0000000;      // none of them: the index of a planned buffer
static_assert(kMaxArenaBytes <= kSharesBuffer, "positions must leave the state bits free");

constexpr uint16_t kTensorBuffer = 0;
constexpr uint16_t kScratchBuffer = 1;

bool HasBuffer(Address address) { return (address & kStateBits) == 0; }

int32_t LoadIndex(const uint8_t* model, uint32_t indices, int position) {
  int32_t index;
  std::memcpy(&index, model + indices + 4 * position, sizeof(index));
  return index;
}

uint16_t Min(uint16_t a, uint16_t b) { return a < b ? a : b; }
uint16_t Max(uint16_t a, uint16_t b) { return a > b ? a : b; }

Span<uint8_t> UsablePart(Span<uint8_t> arena) {
  const std::size_t skipped = (8 - reinterpret_cast<uintptr_t>(arena.data()) % 8) % 8;
  if (arena.size() < skipped) {
    return {};
  }
  arena = arena.Skip(skipped);
  return arena.size() > kMaxArenaBytes ? arena.First(kMaxArenaBytes) : arena;
}

}  // namespace

Status InferenceEngine::Init(Span<const uint8_t> model, Span<const Operator* const> operators,
                             Span<uint8_t> arena) {
  Status status = Open(model, operators, UsablePart(arena));
  if (status == Status::kOk) {
    status = CountEverything();
  }
  for (uint32_t i = 0; status == Status::kOk && i < subgraph_count_; ++i) {
    status = PlaceConstantsAndVariables(i);
  }
  if (status == Status::kOk) {
    status = FindInputAndOutput();
  }
  for (uint32_t i = 0; status == Status::kOk && i < subgraph_count_; ++i) {
    status = PrepareSubgraph(i);
  }
  // Whatever has been read outside of the file must not get as far as planning.
  if (status == Status::kOk) {
    status = CheckOutputIsWritten();
  }
  if (status == Status::kOk) {
    status = PlanActivations();
  }
  if (status != Status::kOk) {
    return status;
  }
  memory_ = {model.data(), persistent_.at(0), addresses_};
  Succeed();
  Reset();
  return Status::kOk;
}

Status InferenceEngine::Invoke() {
  if (!ready_) {
    return Status::kNotReady;
  }
  InvokeSubgraph(0);
  return Status::kOk;
}

void InferenceEngine::InvokeNode(uint32_t index) {
  const Node& node = nodes_[index];
  operators_[node.operator_index]->invoke(InvokeContext(memory_, node, this));
}

void InferenceEngine::InvokeSubgraph(uint32_t subgraph) {
  const Node* const end = nodes_ + first_[subgraph + 1].node;
  for (const Node* node = nodes_ + first_[subgraph].node; node != end; ++node) {
    operators_[node->operator_index]->invoke(InvokeContext(memory_, *node, this));
  }
}

void InferenceEngine::Reset() {
  if (!ready_) {
    return;
  }
  for (uint32_t s = 0; s < subgraph_count_; ++s) {
    const FlatTable subgraph = model_.Subgraph(s);
    for (uint32_t i = 0; i < TensorCount(s); ++i) {
      Tensor tensor;
      model_.ReadTensor(subgraph, i, &tensor);
      if (!tensor.variable) {
        continue;
      }
      // As upstream does it: real zero for int8, all bits zero for other types.
      const int value = tensor.type == TensorType::kInt8 ? tensor.quantization.ZeroPoint() : 0;
      std::memset(Resolve(addresses_[first_[s].tensor + i]), value, tensor.byte_count);
    }
  }
  for (uint32_t i = 0; i < node_count_; ++i) {
    const Operator* const called = operators_[nodes_[i].operator_index];
    if (called->reset != nullptr) {
      called->reset(InvokeContext(memory_, nodes_[i], this));
    }
  }
}

Status InferenceEngine::ArenaTooSmall() {
  error_.arena_bytes = persistent_.needed();
  return Fail(Status::kArenaTooSmall, kArenaIsFull);
}

Status InferenceEngine::CountEverything() {
  subgraph_count_ = model_.subgraph_count();
  if (subgraph_count_ == 0 || subgraph_count_ > kMaxSubgraphs) {
    return Refuse(Why("expected 1 to 8 subgraphs"));
  }
  tensor_count_ = 0;
  node_count_ = 0;
  for (uint32_t i = 0; i < subgraph_count_; ++i) {
    const FlatTable subgraph = model_.Subgraph(i);
    tensor_count_ += Model::TensorCount(subgraph);
    node_count_ += Model::OperatorCount(subgraph);
    if (tensor_count_ > kMaxTensors || node_count_ > kMaxNodes) {
      return Refuse(Why("more than 4096 tensors or 2048 operators"));
    }
    first_[i + 1] = {static_cast<uint16_t>(tensor_count_), static_cast<uint16_t>(node_count_)};
  }
  const uint32_t nodes = persistent_.Allocate(node_count_ * uint32_t{sizeof(Node)});
  const uint32_t addresses = persistent_.Allocate(tensor_count_ * uint32_t{sizeof(Address)});
  // The second fails if the first has failed.
  if (addresses == PersistentMemory::kNone) {
    return ArenaTooSmall();
  }
  nodes_ = reinterpret_cast<Node*>(persistent_.at(nodes));
  addresses_ = reinterpret_cast<Address*>(persistent_.at(addresses));
  return Status::kOk;
}

Status InferenceEngine::PlaceConstantsAndVariables(uint32_t subgraph_index) {
  const FlatTable subgraph = model_.Subgraph(subgraph_index);
  Address* const addresses = addresses_ + first_[subgraph_index].tensor;
  for (uint32_t i = 0; i < TensorCount(subgraph_index); ++i) {
    Tensor tensor;
    const char* const reason = model_.ReadTensor(subgraph, i, &tensor);
    error_.tensor_index = static_cast<int32_t>(i);
    if (reason != nullptr || model_.buffer().damaged()) {
      return Refuse(reason);
    }
    addresses[i] = kUnplaced;
    if (tensor.is_constant()) {
      const auto position = tensor.constant.data() - model_.buffer().bytes().data();
      addresses[i] = static_cast<Address>(position) | kInModel;
    } else if (tensor.variable) {
      addresses[i] = persistent_.Allocate(tensor.byte_count);
      if (addresses[i] == PersistentMemory::kNone) {
        return ArenaTooSmall();
      }
      addresses[i] |= kVariablePlace;
    }
  }
  error_.tensor_index = ErrorDetails::kWholeModel;
  return Status::kOk;
}

Status InferenceEngine::View(const FlatVector& indices, TensorView* view) {
  const uint32_t index = indices.Get<uint32_t>(0);
  if (indices.size() != 1 || index >= TensorCount(0)) {
    return Refuse(Why("expected one input and one output"));
  }
  Tensor tensor;
  model_.ReadTensor(model_.Subgraph(0), index, &tensor);
  if (tensor.type == TensorType::kInt64 || tensor.type == TensorType::kBool ||
      tensor.type == TensorType::kResource || addresses_[index] != kUnplaced) {
    return Refuse(Why("an input or output of unknown type, constant or variable"));
  }
  *view = Describe(tensor);
  return Status::kOk;
}

Status InferenceEngine::FindInputAndOutput() {
  const FlatTable main = model_.Subgraph(0);
  const FlatVector inputs = Model::Inputs(main);
  const FlatVector outputs = Model::Outputs(main);
  Status status = View(inputs, &input_);
  if (status == Status::kOk) {
    status = View(outputs, &output_);
  }
  if (status != Status::kOk) {
    return status;
  }
  input_index_ = inputs.Get<uint32_t>(0);
  output_index_ = outputs.Get<uint32_t>(0);
  addresses_[input_index_] = kWritten;
  for (uint32_t i = 1; i < subgraph_count_; ++i) {
    if (Model::Inputs(model_.Subgraph(i)).size() != 0) {
      return Refuse(Why("a called subgraph with inputs"));
    }
  }
  return Status::kOk;
}

Status InferenceEngine::PrepareSubgraph(uint32_t subgraph_index) {
  const FlatTable subgraph = model_.Subgraph(subgraph_index);
  const First first = first_[subgraph_index];
  const uint32_t count = uint32_t{first_[subgraph_index + 1].node} - first.node;
  for (uint32_t i = 0; i < count; ++i) {
    Node* const node = nodes_ + first.node + i;
    node->first_tensor = first.tensor;
    const Status status = PrepareNode(subgraph, i, node);
    if (status != Status::kOk) {
      return status;
    }
  }
  LeaveOperators();
  return Status::kOk;
}

Status InferenceEngine::PrepareNode(const FlatTable& subgraph, uint32_t index, Node* node) {
  const OperatorCall call = model_.ReadOperator(subgraph, index);
  const std::size_t found = FindOperator(call, index);
  if (found == operators_.size() || found > 255) {
    return Refuse("this engine has no such operator");
  }
  const Operator& called = *operators_[found];
  node->operator_index = static_cast<uint8_t>(found);
  node->in_place_input = -1;
  node->inputs = call.inputs.position();
  node->outputs = call.outputs.position();
  if (call.inputs.size() > 255 || call.outputs.size() > 255) {
    return Refuse(Why("more than 255 inputs or outputs"));
  }
  node->input_count = static_cast<uint8_t>(call.inputs.size());
  node->output_count = static_cast<uint8_t>(call.outputs.size());
  const char* reason = CheckIndices(subgraph, call, *node);
  if (reason == nullptr) {
    PrepareContext context(model_, subgraph, call, &persistent_, nodes_, node);
    reason = called.prepare(context);
  }
  if (reason == kArenaIsFull) {
    return ArenaTooSmall();
  }
  if (reason != nullptr || model_.buffer().damaged()) {
    return Refuse(reason);
  }
  return Status::kOk;
}

// Inputs must have a value when the operator runs, outputs must be new: what follows relies on it.
const char* InferenceEngine::CheckIndices(const FlatTable& subgraph, const OperatorCall& call,
                                          const Node& node) {
  const auto count = static_cast<int32_t>(Model::TensorCount(subgraph));
  Address* const addresses = addresses_ + node.first_tensor;
  for (uint32_t i = 0; i < call.inputs.size(); ++i) {
    const int32_t index = call.inputs.Get<int32_t>(i);
    if (index < -1 || index >= count) {
      return Why("a tensor that does not exist");
    }
    if (index >= 0 && addresses[index] == kUnplaced) {
      return Why("an input is read before it is written");
    }
  }
  for (uint32_t i = 0; i < call.outputs.size(); ++i) {
    const int32_t index = call.outputs.Get<int32_t>(i);
    if (index < 0 || index >= count) {
      return Why("a tensor that does not exist");
    }
    if (addresses[index] != kUnplaced) {
      return Why("an output is written twice, or constant");
    }
    addresses[index] = kWritten;
  }
  return nullptr;
}

Status InferenceEngine::CheckOutputIsWritten() {
  if (addresses_[output_index_] == kWritten && !model_.buffer().damaged()) {
    return Status::kOk;
  }
  return Refuse(Why("no operator writes the output"));
}

// The list of buffers lives in the arena, where the activations will be.
Status InferenceEngine::PlanActivations() {
  const uint32_t base = persistent_.used();
  uint32_t most = 0;
  for (uint32_t i = 0; i < tensor_count_; ++i) {
    most += addresses_[i] == kWritten ? 1 : 0;
  }
  for (uint32_t i = 0; i < node_count_; ++i) {
    most += nodes_[i].scratch_bytes != 0 ? 1 : 0;
  }
  const uint32_t list_bytes = most * uint32_t{sizeof(PlannedBuffer)};
  if (persistent_.size() - base < list_bytes) {
    error_.arena_bytes = base + list_bytes;
    return Fail(Status::kArenaTooSmall, kArenaIsFull);
  }
  const Span<PlannedBuffer> buffers(reinterpret_cast<PlannedBuffer*>(persistent_.at(base)), most);
  const uint32_t count = ListTensorBuffers(buffers);
  MeasureLifetimes(buffers);
  ShareInPlace(buffers);
  ListScratchBuffers(buffers, count);
  uint64_t sum = 0;
  for (const PlannedBuffer& buffer : buffers) {
    sum += uint64_t{buffer.bytes} + 7;
  }
  if (sum > kMaxArenaBytes) {
    return Refuse(Why("activations of more than 256 MiB"));
  }
  const uint32_t planned = PlanMemory(buffers);
  arena_used_ = base + (planned > list_bytes ? planned : list_bytes);
  if (arena_used_ > persistent_.size()) {
    error_.arena_bytes = static_cast<uint32_t>(arena_used_);
    return Fail(Status::kArenaTooSmall, kArenaIsFull);
  }
  AssignAddresses(buffers, base);
  input_.data = reinterpret_cast<int8_t*>(Resolve(addresses_[input_index_]));
  output_.data = reinterpret_cast<int8_t*>(Resolve(addresses_[output_index_]));
  return Status::kOk;
}

// From here to AssignAddresses, the address of a written tensor is the index of its buffer.
uint32_t InferenceEngine::ListTensorBuffers(Span<PlannedBuffer> buffers) {
  uint32_t count = 0;
  uint32_t tensor_index = 0;
  for (uint32_t s = 0; s < subgraph_count_; ++s) {
    const FlatTable subgraph = model_.Subgraph(s);
    for (uint32_t i = 0; i < TensorCount(s); ++i, ++tensor_index) {
      if (addresses_[tensor_index] != kWritten) {
        continue;
      }
      Tensor tensor;
      model_.ReadTensor(subgraph, i, &tensor);
      buffers[count] = {tensor.byte_count, 0, 0xffff, 0, static_cast<uint16_t>(tensor_index),
                        kTensorBuffer};
      addresses_[tensor_index] = count++;
    }
  }
  return count;
}

uint32_t InferenceEngine::ListScratchBuffers(Span<PlannedBuffer> buffers, uint32_t count) {
  const uint32_t main_nodes = first_[1].node;
  for (uint32_t i = 0; i < node_count_; ++i) {
    if (nodes_[i].scratch_bytes == 0) {
      continue;
    }
    const auto step = static_cast<uint16_t>(i);
    buffers[count++] =
        i < main_nodes ? PlannedBuffer{nodes_[i].scratch_bytes, 0, step, step, step, kScratchBuffer}
                       : PlannedBuffer{nodes_[i].scratch_bytes, 0, 0, 0xffff, step, kScratchBuffer};
  }
  return count;
}

// Steps are the nodes of the main subgraph. What others compute is kept for good: they are called
// in the middle of the main one, and are small.
void InferenceEngine::MeasureLifetimes(Span<PlannedBuffer> buffers) {
  const uint32_t main_nodes = first_[1].node;
  const uint32_t main_tensors = first_[1].tensor;
  for (PlannedBuffer& buffer : buffers) {
    if (buffer.owner >= main_tensors) {
      buffer = {buffer.bytes, 0, 0, 0xffff, buffer.owner, 0};
    }
  }
  const auto touch = [&](int32_t tensor, uint32_t step) {
    if (tensor < 0 || !HasBuffer(addresses_[tensor])) {
      return;
    }
    PlannedBuffer& buffer = buffers[addresses_[tensor]];
    buffer.first_use = Min(buffer.first_use, static_cast<uint16_t>(step));
    buffer.last_use = Max(buffer.last_use, static_cast<uint16_t>(step));
  };
  touch(static_cast<int32_t>(input_index_), 0);
  touch(static_cast<int32_t>(output_index_), main_nodes);
  const uint8_t* const model = model_.buffer().bytes().data();
  for (uint32_t step = 0; step < main_nodes; ++step) {
    const Node& node = nodes_[step];
    for (int i = 0; i < node.input_count; ++i) {
      touch(LoadIndex(model, node.inputs, i), step);
    }
    for (int i = 0; i < node.output_count; ++i) {
      touch(LoadIndex(model, node.outputs, i), step);
    }
  }
}

// An output takes over its input's buffer where that input is not needed any more.
void InferenceEngine::ShareInPlace(Span<PlannedBuffer> buffers) {
  const uint8_t* const model = model_.buffer().bytes().data();
  const uint32_t main_nodes = first_[1].node;
  for (uint32_t step = 0; step < main_nodes; ++step) {
    const Node& node = nodes_[step];
    if (node.in_place_input < 0) {
      continue;
    }
    int32_t input = LoadIndex(model, node.inputs, node.in_place_input);
    const int32_t output = LoadIndex(model, node.outputs, 0);
    if ((addresses_[input] & kStateBits) == kSharesBuffer) {
      input = static_cast<int32_t>(addresses_[input] & ~kSharesBuffer);
    }
    if (!HasBuffer(addresses_[input])) {
      continue;
    }
    PlannedBuffer& taken = buffers[addresses_[input]];
    PlannedBuffer& given_up = buffers[addresses_[output]];
    if (taken.last_use != step || taken.bytes < given_up.bytes) {
      continue;
    }
    taken.last_use = given_up.last_use;
    given_up.bytes = 0;
    addresses_[output] = kSharesBuffer | static_cast<Address>(input);
  }
}

void InferenceEngine::AssignAddresses(Span<const PlannedBuffer> buffers, uint32_t base) {
  for (const PlannedBuffer& buffer : buffers) {
    if (buffer.bytes == 0) {
      continue;  // shares another's
    }
    const uint32_t position = base + buffer.offset;
    if (buffer.kind == kScratchBuffer) {
      nodes_[buffer.owner].scratch = position;
    } else {
      addresses_[buffer.owner] = position;
    }
  }
  for (uint32_t i = 0; i < tensor_count_; ++i) {
    const Address state = addresses_[i] & kStateBits;
    if (state == kVariablePlace) {
      addresses_[i] &= ~kVariablePlace;
    }
    if (state == kSharesBuffer) {
      addresses_[i] = addresses_[addresses_[i] & ~kSharesBuffer];
    }
  }
}

}  // namespace stapes

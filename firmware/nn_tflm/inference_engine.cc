// SPDX-License-Identifier: Apache-2.0
#include "nn_tflm/inference_engine.h"

#include <new>

#include "nn_tflm/upstream_operator.h"
#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"

namespace stapes {
namespace {

constexpr std::size_t kUpstreamAlignment = 16;
constexpr uint32_t kNotCalled = PersistentMemory::kNone;  // `data` of an operator without a call

// Upstream does not check its first allocations: these must fit.
constexpr std::size_t kFixedBytes = 1024;
constexpr std::size_t kBytesPerVariable = 64;

// Answers upstream's questions from the list of operators that Init was given.
class Resolver : public tflite::MicroOpResolver {
 public:
  void operator delete(void*) {}  // keeps the heap out of the image

  Resolver(Span<const Operator* const> operators, const Node* records, const uint8_t* arena)
      : operators_(operators), records_(records), arena_(arena) {}

  const TFLMRegistration* FindOp(tflite::BuiltinOperator code) const override {
    const UpstreamOperator* const found = Find(code);
    return found == nullptr ? nullptr : &found->registration;
  }
  const TFLMRegistration* FindOp(const char*) const override { return nullptr; }
  tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(
      tflite::BuiltinOperator code) const override {
    const UpstreamOperator* const found = Find(code);
    return found == nullptr ? nullptr : found->parse;
  }

 private:
  const UpstreamOperator* Find(tflite::BuiltinOperator code) const {
    for (std::size_t i = 0; i < operators_.size(); ++i) {
      if (operators_[i]->builtin_code != code || records_[i].data == kNotCalled) {
        continue;
      }
      return reinterpret_cast<const UpstreamOperator*>(arena_ + records_[i].data);
    }
    return nullptr;
  }

  Span<const Operator* const> operators_;
  const Node* records_;
  const uint8_t* arena_;
};

// Upstream's allocator, which also remembers that something did not fit.
class WatchedMemory : public tflite::SingleArenaBufferAllocator {
 public:
  void operator delete(void*) {}  // keeps the heap out of the image

  explicit WatchedMemory(Span<uint8_t> memory)
      : SingleArenaBufferAllocator(memory.data(), memory.size()) {}

  uint8_t* AllocatePersistentBuffer(std::size_t size, std::size_t alignment) override {
    return Watch(SingleArenaBufferAllocator::AllocatePersistentBuffer(size, alignment));
  }
  uint8_t* AllocateTemp(std::size_t size, std::size_t alignment) override {
    return Watch(SingleArenaBufferAllocator::AllocateTemp(size, alignment));
  }
  TfLiteStatus ResizeBuffer(uint8_t* buffer, std::size_t size, std::size_t alignment) override {
    const TfLiteStatus status = SingleArenaBufferAllocator::ResizeBuffer(buffer, size, alignment);
    overflowed_ = overflowed_ || status != kTfLiteOk;
    return status;
  }
  bool overflowed() const { return overflowed_; }

 private:
  uint8_t* Watch(uint8_t* allocated) {
    overflowed_ = overflowed_ || allocated == nullptr;
    return allocated;
  }

  bool overflowed_ = false;
};

// Upstream's planner, which also remembers that it had no room for its notes.
class WatchedPlanner : public tflite::GreedyMemoryPlanner {
 public:
  void operator delete(void*) {}  // keeps the heap out of the image
  using GreedyMemoryPlanner::AddBuffer;

  TfLiteStatus AddBuffer(int size, int first_use, int last_use) override {
    const TfLiteStatus status = GreedyMemoryPlanner::AddBuffer(size, first_use, last_use);
    overflowed_ = overflowed_ || status != kTfLiteOk;
    return status;
  }
  bool overflowed() const { return overflowed_; }

 private:
  bool overflowed_ = false;
};

// All of upstream's objects, in the order in which they need each other.
struct Runtime {
  Runtime(const uint8_t* model, const Resolver& answers, Span<uint8_t> arena, int variable_count)
      : resolver(answers),
        memory(arena),
        allocator(tflite::MicroAllocator::Create(&memory, &planner)),
        variables(variable_count == 0
                      ? nullptr
                      : tflite::MicroResourceVariables::Create(allocator, variable_count)),
        interpreter(tflite::GetModel(model), resolver, allocator, variables) {}

  bool overflowed() const { return memory.overflowed() || planner.overflowed(); }

  Resolver resolver;
  WatchedMemory memory;
  WatchedPlanner planner;
  tflite::MicroAllocator* allocator;
  tflite::MicroResourceVariables* variables;
  tflite::MicroInterpreter interpreter;
};
static_assert(alignof(Runtime) <= 8, "PersistentMemory aligns to 8 bytes");

Runtime& RuntimeIn(const PersistentMemory& memory) {
  return *std::launder(reinterpret_cast<Runtime*>(memory.at(0)));
}

Span<uint8_t> AlignedPart(Span<uint8_t> memory) {
  const std::size_t over = reinterpret_cast<uintptr_t>(memory.data()) % kUpstreamAlignment;
  const std::size_t skipped = over == 0 ? 0 : kUpstreamAlignment - over;
  return skipped > memory.size() ? Span<uint8_t>() : memory.Skip(skipped);
}

int CountVariables(const Model& model) {
  int count = 0;
  for (uint32_t s = 0; s < model.subgraph_count(); ++s) {
    const FlatTable subgraph = model.Subgraph(s);
    for (uint32_t i = 0; i < Model::OperatorCount(subgraph); ++i) {
      const int32_t code = model.ReadOperator(subgraph, i).builtin_code;
      count += code == tflite::BuiltinOperator_VAR_HANDLE ? 1 : 0;
    }
  }
  return count;
}

}  // namespace

Status InferenceEngine::Init(Span<const uint8_t> model, Span<const Operator* const> operators,
                             Span<uint8_t> arena) {
  Status status = Open(model, operators, AlignedPart(arena));
  if (status == Status::kOk) {
    status = FindInputAndOutput();
  }
  if (status == Status::kOk) {
    status = ReserveMemory();
  }
  for (uint32_t i = 0; status == Status::kOk && i < model_.subgraph_count(); ++i) {
    status = FetchKernels(model_.Subgraph(i));
  }
  if (status == Status::kOk) {
    status = StartInterpreter();
  }
  return status == Status::kOk ? Succeed() : status;
}

Status InferenceEngine::Invoke() {
  if (!ready_) {
    return Status::kNotReady;
  }
  return RuntimeIn(persistent_).interpreter.Invoke() == kTfLiteOk ? Status::kOk : Status::kRefused;
}

// Upstream's reset zeroes resource variables but does not let CALL_ONCE fill them again: a runtime
// with variables starts anew, in the same place.
void InferenceEngine::Reset() {
  if (!ready_) {
    return;
  }
  Runtime& runtime = RuntimeIn(persistent_);
  if (runtime.variables == nullptr) {
    runtime.interpreter.Reset();
  } else {
    ready_ = StartInterpreter() == Status::kOk;
  }
}

Status InferenceEngine::ArenaTooSmall() {
  error_.arena_bytes = persistent_.size() + uint32_t{kUpstreamAlignment};
  return Fail(Status::kArenaTooSmall, "the arena is too small for TFLM: raise STAPES_ARENA_BYTES");
}

Status InferenceEngine::FindInputAndOutput() {
  if (model_.subgraph_count() == 0) {
    return Refuse("expected 1 subgraph or more");
  }
  const Status status = View(Model::Inputs(model_.Subgraph(0)), &input_);
  return status != Status::kOk ? status : View(Model::Outputs(model_.Subgraph(0)), &output_);
}

Status InferenceEngine::View(const FlatVector& indices, TensorView* view) {
  const FlatTable subgraph = model_.Subgraph(0);
  const uint32_t index = indices.Get<uint32_t>(0);
  if (indices.size() != 1 || index >= Model::TensorCount(subgraph)) {
    return Refuse("expected one input and one output");
  }
  Tensor tensor;
  const char* const reason = model_.ReadTensor(subgraph, index, &tensor);
  if (reason != nullptr) {
    return Refuse(reason);
  }
  if (tensor.type != TensorType::kInt8 && tensor.type != TensorType::kUInt8) {
    return Refuse("expected int8 or uint8 input and output");
  }
  *view = Describe(tensor);
  return Status::kOk;
}

// Room for the Runtime, and a record for each operator of the list.
Status InferenceEngine::ReserveMemory() {
  const auto count = static_cast<uint32_t>(operators_.size());
  const uint32_t runtime = persistent_.Allocate(sizeof(Runtime));
  const uint32_t records = persistent_.Allocate(count * uint32_t{sizeof(Node)});
  if (runtime == PersistentMemory::kNone || records == PersistentMemory::kNone) {
    return ArenaTooSmall();
  }
  records_ = reinterpret_cast<Node*>(persistent_.at(records));
  for (uint32_t i = 0; i < count; ++i) {
    records_[i].data = kNotCalled;
  }
  return Status::kOk;
}

Status InferenceEngine::FetchKernels(const FlatTable& subgraph) {
  for (uint32_t i = 0; i < Model::OperatorCount(subgraph); ++i) {
    const Status status = FetchKernel(subgraph, i);
    if (status != Status::kOk) {
      return status;
    }
  }
  LeaveOperators();
  return Status::kOk;
}

// The kernel of one operator call, unless an earlier call has fetched it.
Status InferenceEngine::FetchKernel(const FlatTable& subgraph, uint32_t index) {
  const OperatorCall call = model_.ReadOperator(subgraph, index);
  const std::size_t found = FindOperator(call, index);
  if (found == operators_.size()) {
    return Refuse("this engine has no such operator");
  }
  Node* const record = records_ + found;
  if (record->data != kNotCalled) {
    return Status::kOk;
  }
  PrepareContext context(model_, subgraph, call, &persistent_, records_, record);
  if (operators_[found]->prepare(context) != nullptr) {
    return ArenaTooSmall();
  }
  return model_.buffer().damaged() ? Fail(Status::kDamaged, "") : Status::kOk;
}

// Starts upstream's interpreter in what is left of the arena.
Status InferenceEngine::StartInterpreter() {
  const int variables = CountVariables(model_);
  const Span<uint8_t> rest =
      AlignedPart({persistent_.at(persistent_.used()), persistent_.size() - persistent_.used()});
  if (rest.size() < kFixedBytes + kBytesPerVariable * static_cast<std::size_t>(variables)) {
    return ArenaTooSmall();
  }
  const Resolver resolver(operators_, records_, persistent_.at(0));
  auto* const runtime =
      new (persistent_.at(0)) Runtime(model_.buffer().bytes().data(), resolver, rest, variables);
  if (runtime->interpreter.AllocateTensors() != kTfLiteOk) {
    return runtime->overflowed() ? ArenaTooSmall() : Refuse("TFLM refuses this model");
  }
  input_.data = tflite::GetTensorData<int8_t>(runtime->interpreter.input(0));
  output_.data = tflite::GetTensorData<int8_t>(runtime->interpreter.output(0));
  // Upstream needs somewhat more than this while it loads.
  const auto start = static_cast<std::size_t>(rest.data() - persistent_.at(0));
  arena_used_ = start + runtime->interpreter.arena_used_bytes();
  return Status::kOk;
}

}  // namespace stapes

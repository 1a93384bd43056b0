// SPDX-License-Identifier: Apache-2.0
// Any bytes as a model: they are refused with a reason, or run. Nothing outside the model and the
// arena is touched (the sanitizers watch), and outputs depend on nothing but model and input.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include "base/span.h"
#include "nn/all_operators.h"
#include "nn/inference_engine.h"
#include "require.h"

namespace stapes {
namespace {

constexpr std::size_t kArenaBytes = 16 << 10;
constexpr int kInferences = 3;
// Far more than any seed needs; keeps single inputs from taking seconds.
constexpr int64_t kMaxWork = 20 << 20;

// Heap memory of exactly this size, so that the sanitizer sees every byte beyond.
class Exact {
 public:
  Exact(std::size_t size, int fill) : data_(new(std::align_val_t(16)) uint8_t[size]), size_(size) {
    if (size != 0) {
      std::memset(data_, fill, size);
    }
  }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  ~Exact() { ::operator delete[](data_, std::align_val_t(16)); }
  Span<uint8_t> span() const { return {data_, size_}; }

 private:
  uint8_t* data_;
  std::size_t size_;
};

int64_t BytesOf(const Model& model, const FlatTable& subgraph, const FlatVector& tensors) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    const int32_t index = tensors.Get<int32_t>(i);
    if (index < 0) {
      continue;
    }
    Tensor tensor;
    model.ReadTensor(subgraph, static_cast<uint32_t>(index), &tensor);
    bytes += tensor.byte_count;
  }
  return bytes;
}

// No operator reads its inputs more than once per output.
int64_t WorkOf(const Model& model) {
  int64_t work = 0;
  for (uint32_t s = 0; s < model.subgraph_count(); ++s) {
    const FlatTable subgraph = model.Subgraph(s);
    for (uint32_t i = 0; i < Model::OperatorCount(subgraph); ++i) {
      const OperatorCall call = model.ReadOperator(subgraph, i);
      work += BytesOf(model, subgraph, call.inputs) * BytesOf(model, subgraph, call.outputs);
    }
  }
  return work;
}

std::size_t ByteCount(const TensorView& view) { return view.size * ElementBytes(view.type); }

void FillInput(const TensorView& input, uint32_t seed) {
  for (std::size_t i = 0; i < ByteCount(input); ++i) {
    seed = seed * 1664525 + 1013904223;
    input.data[i] = static_cast<int8_t>(seed >> 24);
  }
}

std::vector<int8_t> Outputs(InferenceEngine* engine) {
  std::vector<int8_t> outputs;
  for (uint32_t i = 0; i < kInferences; ++i) {
    FillInput(engine->input(), i);
    Require(engine->Invoke() == Status::kOk, "an inference failed");
    const TensorView output = engine->output();
    outputs.insert(outputs.end(), output.data, output.data + ByteCount(output));
  }
  return outputs;
}

void RunTwice(Span<const uint8_t> model, InferenceEngine* engine) {
  const std::vector<int8_t> first = Outputs(engine);
  engine->Reset();
  Require(Outputs(engine) == first, "outputs after Reset differ from those before");

  // As much memory as was asked for, with something else in it.
  Exact exact(engine->arena_used(), 0x5a);
  InferenceEngine other;
  Require(other.Init(model, AllOperators(), exact.span()) == Status::kOk,
          "arena_used() bytes are not enough");
  Require(Outputs(&other) == first, "outputs depend on what the arena held before");
}

}  // namespace
}  // namespace stapes

// Flatbuffers are made of offsets: most mutations keep all bytes in place and change one number.
extern "C" std::size_t LLVMFuzzerMutate(uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (size < 8 || random() % 4 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const uint32_t width = 1u << random() % 3;
  const auto number = [&] { return data + random() % (size / width) * width; };
  uint8_t* const changed = number();
  switch (random() % 4) {
    case 0:  // as another one of the file
      std::memmove(changed, number(), width);
      break;
    case 1: {  // a little more or less
      const auto step = static_cast<int8_t>(random() % 17 - 8);
      changed[0] = static_cast<uint8_t>(changed[0] + step);
      break;
    }
    case 2: {  // an end of some range
      const int64_t ends[] = {0, 1, -1, 127, 128, 255, 32767, 32768, INT32_MAX, INT32_MIN};
      std::memcpy(changed, &ends[random() % 10], width);
      break;
    }
    default:
      changed[random() % width] ^= static_cast<uint8_t>(1u << random() % 8);
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace stapes;
  const Exact bytes(size, 0);
  if (size != 0) {
    std::memcpy(bytes.span().data(), data, size);
  }
  const Span<const uint8_t> model = bytes.span();

  Model reader;
  if (reader.Open(model) == Status::kOk) {
    const Span<const uint8_t> settings = reader.FindMetadata("STAPES_SETTINGS");
    if (!settings.empty()) {
      Require(settings.end() <= model.end(), "metadata outside the file");
    }
    reader.HasWholeBuffers();
  }

  const Exact arena(kArenaBytes, 0xa5);
  InferenceEngine engine;
  if (engine.Init(model, AllOperators(), arena.span()) != Status::kOk) {
    Require(engine.error().reason[0] != '\0', "refused without a reason");
    Require(engine.Invoke() == Status::kNotReady, "a refused model ran");
  } else if (WorkOf(engine.model()) <= kMaxWork) {
    RunTwice(model, &engine);
  }
  return 0;
}

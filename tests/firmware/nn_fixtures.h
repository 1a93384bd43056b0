// SPDX-License-Identifier: Apache-2.0
// Small models with the outputs that upstream gives for them, and memory to run them in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#include "nn/inference_engine.h"

namespace stapes {
namespace {

#include "nn_models.inc"

constexpr std::size_t kInferences = 5;

struct Fixture {
  const char* name;
  Span<const uint8_t> model;
  Span<const int8_t> inputs;
  Span<const int8_t> outputs;
};

const Fixture kFixtures[] = {
    {"svdf", kSvdfModel, kSvdfInputs, kSvdfOutputs},
    {"convolution", kConvolutionModel, kConvolutionInputs, kConvolutionOutputs},
    {"streaming", kStreamingModel, kStreamingInputs, kStreamingOutputs},
};

// Heap memory of exactly this size, so that the sanitizer sees every byte beyond.
class Exact {
 public:
  explicit Exact(std::size_t size) : data_(new(std::align_val_t(16)) uint8_t[size]), size_(size) {}
  Exact(const uint8_t* from, std::size_t size) : Exact(size) {
    if (size != 0) {
      std::memcpy(data_, from, size);
    }
  }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  ~Exact() { ::operator delete[](data_, std::align_val_t(16)); }
  uint8_t* data() { return data_; }
  Span<uint8_t> span() { return {data_, size_}; }

 private:
  uint8_t* data_;
  std::size_t size_;
};

[[maybe_unused]] std::vector<int8_t> Run(InferenceEngine* engine, const Fixture& fixture) {
  std::vector<int8_t> outputs;
  const std::size_t size = engine->input().size;
  for (std::size_t i = 0; i < kInferences; ++i) {
    std::memcpy(engine->input().data, fixture.inputs.data() + i * size, size);
    engine->Invoke();
    const TensorView output = engine->output();
    outputs.insert(outputs.end(), output.data, output.data + output.size);
  }
  return outputs;
}

[[maybe_unused]] std::vector<int8_t> Expected(const Fixture& fixture) {
  return {fixture.outputs.begin(), fixture.outputs.end()};
}

}  // namespace
}  // namespace stapes

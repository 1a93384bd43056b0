// SPDX-License-Identifier: Apache-2.0
// What the engines behind nn/inference_engine.h have in common: what they tell of a network, and of
// what is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"
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

class EngineBase {
 public:
  EngineBase(const EngineBase&) = delete;
  EngineBase& operator=(const EngineBase&) = delete;

  // Fill the input before every Invoke: its memory may be used again while the network runs.
  TensorView input() const { return input_; }
  TensorView output() const { return output_; }

  // Bytes of the arena with which Init succeeds; the same on every machine.
  std::size_t arena_used() const { return arena_used_; }
  const ErrorDetails& error() const { return error_; }
  const Model& model() const { return model_; }

 protected:
  EngineBase() = default;
  ~EngineBase() = default;

  // The start of Init: forgets an earlier model. `arena` is aligned as the engine needs it.
  Status Open(Span<const uint8_t> model, Span<const Operator* const> operators,
              Span<uint8_t> arena);
  // The end of an Init that succeeds.
  Status Succeed();
  Status Fail(Status status, const char* reason);
  Status Refuse(const char* reason) { return Fail(Status::kRefused, reason); }

  // Position in `operators_` of the called operator; the size of `operators_` if it is not there.
  // From now on errors name this call: operator `index` of its subgraph.
  std::size_t FindOperator(const OperatorCall& call, uint32_t index);
  // From now on errors name the whole model.
  void LeaveOperators();

  // All of it but the data.
  static TensorView Describe(const Tensor& tensor);

  Model model_;
  Span<const Operator* const> operators_;
  PersistentMemory persistent_;
  TensorView input_;
  TensorView output_;
  ErrorDetails error_;
  std::size_t arena_used_ = 0;
  bool ready_ = false;
};

}  // namespace stapes

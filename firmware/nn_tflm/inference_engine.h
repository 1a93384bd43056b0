// SPDX-License-Identifier: Apache-2.0
// The engine of nn/inference_engine.h, run by upstream TensorFlow Lite Micro. See docs/engines.md.
//
// The arena holds upstream's objects (Runtime), then the kernels of the operators that the model
// calls, then upstream's own memory. Unlike the other engine this one trusts its model: damaged
// ones are refused where `stapes emit` reads them.
#pragma once

#include "nn/engine_base.h"

namespace stapes {

class InferenceEngine : public EngineBase {
 public:
  InferenceEngine() = default;

  // As the other engine's Init; `arena` may lie at any place.
  Status Init(Span<const uint8_t> model, Span<const Operator* const> operators,
              Span<uint8_t> arena);
  Status Invoke();
  void Reset();

 private:
  Status ArenaTooSmall();
  Status FindInputAndOutput();
  Status View(const FlatVector& indices, TensorView* view);
  Status ReserveMemory();
  Status FetchKernels(const FlatTable& subgraph);
  Status FetchKernel(const FlatTable& subgraph, uint32_t index);
  Status StartInterpreter();

  Node* records_ = nullptr;  // one for each operator of the list: `data` is where its kernel lies
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// CALL_ONCE: runs a subgraph at the first inference, to give variables their first values. A Reset
// of the engine makes the next inference the first again.
#include "nn/inference_engine.h"
#include "nn/operator.h"
#include "nn/operators/operators.h"

namespace stapes {
namespace {

enum OptionsField { kInitSubgraph };

struct CallOnceData {
  uint32_t subgraph;
  bool has_run;
};

const char* Prepare(PrepareContext& context) {
  if (context.input_count() != 0 || context.output_count() != 0) {
    return Why("expected neither inputs nor outputs");
  }
  auto* const data = context.AllocateData<CallOnceData>();
  if (data == nullptr) {
    return kArenaIsFull;
  }
  data->subgraph = context.options().Get<uint32_t>(kInitSubgraph, 0);
  if (data->subgraph == 0 || data->subgraph >= context.model().subgraph_count()) {
    return Why("a subgraph that does not exist");
  }
  return nullptr;
}

void Invoke(const InvokeContext& context) {
  auto& data = context.Data<CallOnceData>();
  if (data.has_run) {
    return;
  }
  data.has_run = true;  // before the call, so that no chain of calls comes back here
  context.engine()->InvokeSubgraph(data.subgraph);
}

void Reset(const InvokeContext& context) { context.Data<CallOnceData>().has_run = false; }

}  // namespace

extern const Operator kOperatorCallOnce = {129, "CALL_ONCE", Prepare, Invoke, Reset};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Firmware with the compiled-in model and no other.
#include "boards/common/start_model.h"

namespace stapes {

StartedModel StartModel(Pipeline& pipeline, const PipelineMemory& memory) {
  return {pipeline.Init(kModel, memory), nullptr, nullptr};
}

}  // namespace stapes

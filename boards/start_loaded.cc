// Firmware that takes models over the link: the newest one runs, else the compiled-in one.
#include "app/model_loader.h"
#include "boards/model_flash.h"
#include "boards/start_model.h"
#include "stapes_model.h"

namespace stapes {

StartedModel StartModel(Pipeline& pipeline, const PipelineMemory& memory) {
  Flash* const flash = board::ModelFlash();
  if (flash == nullptr) {
    return {pipeline.Init(kModel, memory), nullptr, nullptr};
  }
  static ModelLoader loader(*flash, kModel, pipeline, memory);
  const char* const reason = loader.Start();
  return {reason, &loader, loader.passed_over()};
}

}  // namespace stapes

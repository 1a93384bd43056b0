// SPDX-License-Identifier: Apache-2.0
// Firmware that takes models over the link: the newest one runs, else the compiled-in one.
#include "app/model_loader.h"
#include "boards/common/model_flash.h"
#include "boards/common/start_model.h"
#include "nn/all_operators.h"
#if STAPES_SLOT_GATE_BYTES > 0
#include "app/silence_gate.h"
#endif
#ifdef STAPES_SIGNED_MODELS
#include "app/model_signature.h"
#include "public_key.h"
#endif

namespace stapes {
namespace {

ModelBundle BaseOfLoadedModels(const PipelineMemory& memory) {
  ModelBundle base = kModel;
  base.arena_bytes = memory.arena.size();
#ifdef STAPES_SLOT_OPERATORS
  base.operators = AllOperators();
#endif
#if STAPES_SLOT_GATE_BYTES > 0
  static int8_t gate_ring[STAPES_SLOT_GATE_BYTES];
  static SilenceGate gate({}, gate_ring, 0);
  base.slot_gate = &gate;
#endif
  return base;
}

// Whose models this firmware takes; nullptr: anybody's.
const ModelGuard* Guard() {
#ifdef STAPES_SIGNED_MODELS
  static const SignatureGuard guard(kPublicKey, kLeastModelVersion);
  return &guard;
#else
  return nullptr;
#endif
}

}  // namespace

StartedModel StartModel(Pipeline& pipeline, const PipelineMemory& memory) {
  Flash* const flash = board::ModelFlash();
  if (flash == nullptr) {
    return {pipeline.Init(kModel, memory), nullptr, nullptr};
  }
  static const ModelBundle base = BaseOfLoadedModels(memory);
  static ModelLoader loader(*flash, base, pipeline, memory, Guard());
  const char* const reason = loader.Start();
  return {reason, &loader, loader.passed_over()};
}

}  // namespace stapes

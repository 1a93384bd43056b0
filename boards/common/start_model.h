// SPDX-License-Identifier: Apache-2.0
// The model that the firmware starts with.
#pragma once

#include "app/model_receiver.h"
#include "app/pipeline.h"
#include "stapes_model.h"

#ifndef STAPES_SLOT_ARENA_BYTES
#define STAPES_SLOT_ARENA_BYTES 0
#define STAPES_SLOT_LABELS 0
#define STAPES_SLOT_GATE_BYTES 0
#endif

namespace stapes {

// Memory for the compiled-in model and for those that may come.
constexpr std::size_t AtLeast(std::size_t wanted, std::size_t needed) {
  return wanted > needed ? wanted : needed;
}
constexpr std::size_t kPipelineArenaBytes = AtLeast(STAPES_SLOT_ARENA_BYTES, kArenaBytes);
constexpr std::size_t kPipelineDecoderBytes =
    DecoderWorkBytes(AtLeast(STAPES_SLOT_LABELS, kLabelCount), kDecoderFrameCapacity);

struct StartedModel {
  const char* reason;       // nullptr, or why no model runs
  ModelReceiver* models;    // takes new models; nullptr: this firmware takes none
  const char* passed_over;  // why a loaded model does not run; nullptr: none was passed over
};

// Initialises `pipeline`. `pipeline` and `memory` must outlive the firmware's loop.
StartedModel StartModel(Pipeline& pipeline, const PipelineMemory& memory);

}  // namespace stapes

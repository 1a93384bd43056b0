// The model that the firmware starts with.
#pragma once

#include "app/model_receiver.h"
#include "app/pipeline.h"

namespace stapes {

struct StartedModel {
  const char* reason;      // nullptr, or why no model runs
  ModelReceiver* models;   // what takes new ones, nullptr: this firmware does not
  const char* passed_over;  // why a model that was loaded does not run, nullptr: none was left out
};

// Initialises `pipeline`; it and `memory` stay.
StartedModel StartModel(Pipeline& pipeline, const PipelineMemory& memory);

}  // namespace stapes

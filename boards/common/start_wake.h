// SPDX-License-Identifier: Apache-2.0
// The wake word that the firmware was built with, if it was.
#pragma once

#include "app/listener.h"
#include "app/pipeline.h"
#include "link/line_writer.h"

namespace stapes {

struct StartedWake {
  const char* reason;  // nullptr, or why the wake word's model cannot run
  Listener* listener;  // nullptr: the model always listens
};

// Sets up what wakes `model`, which is already initialised, and writes to `lines`. Both must stay
// valid. Called once.
StartedWake StartWake(Pipeline& model, LineWriter& lines);

}  // namespace stapes

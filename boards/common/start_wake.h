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

// What wakes `model`, which is initialised, and writes to `lines`. Both stay. Called once.
StartedWake StartWake(Pipeline& model, LineWriter& lines);

}  // namespace stapes

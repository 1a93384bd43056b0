// SPDX-License-Identifier: Apache-2.0
#include "app/listener.h"

namespace stapes {

void Listener::WriteDone() {
  Finish();
  lines_.Begin("done");
  WriteCounts();
  lines_.End();
}

void Listener::Reset() {
  pipeline_.Reset();
  events_.Reset();
}

void Listener::WriteCounts() {
  lines_.FieldLong("samples", samples());
  lines_.Field("frames", pipeline_.frames());
  lines_.Field("detections", events_.detections());
}

const char* Listener::SetAwakeMs(uint32_t) { return kNoWakeWord; }

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "app/wake_listener.h"

namespace stapes {

void WakeListener::Reset() {
  stage_.Reset();
  events_.Reset();
  wake_events_.Reset();
}

void WakeListener::ResetDecoders() {
  Listener::ResetDecoders();
  wake_word_.ResetDecoder();
}

void WakeListener::SendScores(bool on) {
  Listener::SendScores(on);
  wake_events_.SendScores(on);
}

void WakeListener::WriteWakeWord() {
  const ModelBundle& bundle = wake_word_.bundle();
  lines_.Field("wake_model", bundle.name);
  lines_.Field("wake_sha256", bundle.sha256);
  lines_.FieldList("wake_labels", bundle.labels, bundle.label_count);
  lines_.Field("wake_stride_samples", bundle.stride_samples);
  lines_.Field("awake_ms", stage_.awake_ms());
}

void WakeListener::WriteCounts() {
  Listener::WriteCounts();
  lines_.Field("wake_frames", wake_word_.frames());
  lines_.Field("wake_detections", wake_events_.detections());
}

const char* WakeListener::SetAwakeMs(uint32_t awake_ms) {
  return stage_.SetAwakeMs(awake_ms) ? nullptr : "not 1 ms to 10 minutes";
}

void WakeListener::WriteState(const char* state, uint32_t time_ms) {
  lines_.Begin(state);
  lines_.Field("time_ms", time_ms);
  lines_.End();
}

}  // namespace stapes

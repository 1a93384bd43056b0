// SPDX-License-Identifier: Apache-2.0
#include "app/event_sink.h"

#include "app/listener.h"
#include "app/version.h"
#include "link/protocol.h"

namespace stapes {
namespace {

void WriteId(LineWriter& lines, uint64_t id) {
  int8_t bytes[sizeof id];
  for (std::size_t i = 0; i < sizeof id; ++i) {
    bytes[i] = static_cast<int8_t>(id >> (8 * (sizeof id - 1 - i)));
  }
  lines.FieldHex("id", bytes);
}

}  // namespace

void EventSink::OnFeatures(Span<const int8_t> features) {
  if (!send_scores_) {
    return;
  }
  features_crc_ = kCrc16Start;
  for (const int8_t value : features) {
    features_crc_ = Crc16Update(features_crc_, static_cast<uint8_t>(value));
  }
}

void EventSink::OnScores(uint32_t time_ms, Span<const int8_t> scores) {
  if (!send_scores_) {
    return;
  }
  Begin("scores");
  lines_.Field("time_ms", time_ms);
  lines_.FieldHex("q", scores);
  lines_.Field("features_crc", features_crc_);
  lines_.End();
}

void EventSink::OnDetection(const Detection& detection) {
  ++detections_;
  Begin("detection");
  lines_.Field("time_ms", detection.time_ms);
  lines_.Field("label", bundle_.labels[detection.label]);
  lines_.FieldQ16("score", detection.score_q16);
  lines_.End();
}

void EventSink::Begin(const char* event) {
  lines_.Begin(event);
  if (stage_ != nullptr) {
    lines_.Field("stage", stage_);
  }
}

void WriteHello(LineWriter& lines, const ModelBundle& bundle, const Speaker& speaker,
                int32_t request, Listener* listener) {
  lines.Begin("hello");
  lines.Field("protocol", kProtocolVersion);
  lines.Field("firmware", kFirmwareVersion);
  lines.Field("board", speaker.board);
  if (speaker.id != 0) {
    WriteId(lines, speaker.id);
  }
  lines.Field("model", bundle.name);
  lines.Field("sha256", bundle.sha256);
  lines.FieldList("labels", bundle.labels, bundle.label_count);
  lines.Field("sample_rate", bundle.sample_rate);
  lines.Field("window_samples", bundle.window_samples);
  lines.Field("stride_samples", bundle.stride_samples);
  lines.Field("credits", kAudioCredits);
  lines.Field("packing", 1u);
  if (speaker.models != nullptr) {
    lines.Field("model_bytes", static_cast<uint32_t>(speaker.models->capacity()));
    lines.Field("model_slot", static_cast<uint32_t>(speaker.models->slot() + 1));
  }
  if (listener != nullptr) {
    listener->WriteWakeWord();
  }
  if (request != kUnasked) {
    lines.Field("request", static_cast<uint32_t>(request));
  }
  lines.End();
}

void WriteFault(LineWriter& lines, const Fault& fault) {
  lines.Begin("fatal");
  lines.Field("reason", fault.reason);
  lines.Field("exception", fault.exception);
  lines.Field("pc", fault.pc);
  lines.Field("fault_status", fault.status);
  lines.Field("fault_address", fault.address);
  lines.End();
}

}  // namespace stapes

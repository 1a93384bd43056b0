// SPDX-License-Identifier: Apache-2.0
// Pipeline results as lines of the link.
#pragma once

#include <cstdint>

#include "app/model_receiver.h"
#include "app/pipeline.h"
#include "app/port.h"
#include "base/crc16.h"
#include "link/line_writer.h"

namespace stapes {

class Listener;

class EventSink : public PipelineSink {
 public:
  // `stage`: which of two models, in each line; nullptr says nothing.
  EventSink(LineWriter& lines, const ModelBundle& bundle, const char* stage = nullptr)
      : lines_(lines), bundle_(bundle), stage_(stage) {}

  void OnFeatures(Span<const int8_t> features) override;
  void OnScores(uint32_t time_ms, Span<const int8_t> scores) override;
  void OnDetection(const Detection& detection) override;

  void SendScores(bool on) { send_scores_ = on; }
  uint32_t detections() const { return detections_; }
  void Reset() { detections_ = 0; }

 private:
  void Begin(const char* event);

  LineWriter& lines_;
  const ModelBundle& bundle_;
  const char* stage_;
  bool send_scores_ = false;
  uint16_t features_crc_ = kCrc16Start;  // of the newest frame; kept while scores are sent
  uint32_t detections_ = 0;
};

// The line that says who speaks. `request`: sequence number of the frame that asked, or kUnasked;
// `listener` adds what it has to say, nullptr: nothing.
constexpr int32_t kUnasked = -1;
struct Speaker {
  const char* board;
  uint64_t id;                            // of the chip; 0 without one
  const ModelReceiver* models = nullptr;  // what takes new models; nullptr without
};
void WriteHello(LineWriter& lines, const ModelBundle& bundle, const Speaker& speaker,
                int32_t request, Listener* listener = nullptr);

// The line of a board that restarted by itself.
void WriteFault(LineWriter& lines, const Fault& fault);

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The firmware of every board: memory, pipeline, application, and the loop around them.
#include "app/application.h"
#include "app/pipeline.h"
#include "boards/board.h"
#include "boards/common/start_model.h"
#include "boards/common/start_wake.h"
#include "stapes_model.h"

namespace stapes {
namespace {

constexpr std::size_t kMicrophoneSamples = 128;
constexpr uint32_t kLedMs = 500;

alignas(16) uint8_t arena[kPipelineArenaBytes];
alignas(8) uint8_t front_end_work[kFrontEndWorkBytes];
alignas(4) uint8_t decoder_work[kPipelineDecoderBytes];

class BoardPort : public Port {
 public:
  std::size_t Read(Span<uint8_t> bytes) override { return board::UartRead(bytes); }
  std::size_t Write(Span<const uint8_t> bytes) override { return board::UartWrite(bytes); }
  void Pause() override { board::Sleep(); }
  Losses Lost() const override { return board::Lost(); }
  bool ButtonDown() const override { return board::ButtonDown(); }
  uint64_t UniqueId() const override { return board::UniqueId(); }
  uint32_t Millis() const override { return board::Millis(); }
  uint32_t Ticks() const override { return board::Ticks(); }
  uint32_t TicksPerSecond() const override { return board::kTicksPerSecond; }
  StackUse Stack() const override { return board::Stack(); }
};

void SayWhyNot(Port& port, const char* reason) {
  PortSink sink(port);
  LineWriter lines(sink);
  lines.Begin("fatal");
  lines.Field("reason", reason);
  lines.End();
}

// The LED shines for half a second after each detection, and as long as a wake word is in force.
void ShowDetections(const Application& application) {
  static uint32_t seen = 0;
  static uint32_t lit_at_ms = 0;
  const uint32_t now_ms = board::Millis();
  if (application.detections() != seen) {
    seen = application.detections();
    lit_at_ms = now_ms;
    board::SetLed(seen != 0);
  } else if (now_ms - lit_at_ms > kLedMs) {
    board::SetLed(application.awake());
  }
}

}  // namespace

int RunFirmware() {
  board::FeedWatchdog();
  static BoardPort port;
  static Pipeline pipeline;
  const PipelineMemory memory = {arena, front_end_work, decoder_work};
  const StartedModel started = StartModel(pipeline, memory);
  if (started.reason != nullptr) {
    SayWhyNot(port, started.reason);
    return 1;
  }
  static Application application(port, pipeline, STAPES_BOARD_NAME, started.models);
  const StartedWake wake = StartWake(pipeline, application.lines());
  if (wake.reason != nullptr) {
    SayWhyNot(port, wake.reason);
    return 1;
  }
  if (wake.listener != nullptr) {
    application.Use(*wake.listener);
  }
  application.Start(board::LastFault());
  if (started.passed_over != nullptr) {
    application.Log("the loaded model does not run", started.passed_over);
  }
  board::AudioStart(kModel.sample_rate);
  while (true) {
    int16_t samples[kMicrophoneSamples];
    const std::size_t heard = board::AudioRead(samples);
    application.Hear({samples, heard});
    const bool busy = application.Poll();
    ShowDetections(application);
    board::FeedWatchdog();
    if (!busy && heard == 0) {
      board::Sleep();
    }
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The firmware's one application: a pipeline, or two of them, behind a serial link.
//
// Audio comes from the host over the link or from the board's microphone; detections go out as
// lines. Nothing that arrives stops it: what is malformed is counted and reported.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/audio_tap.h"
#include "app/listener.h"
#include "app/model_receiver.h"
#include "app/pipeline.h"
#include "app/port.h"
#include "base/span.h"
#include "link/frame_reader.h"
#include "link/line_writer.h"

namespace stapes {

// Hands characters to a port. When the port takes nothing for kPatienceMs, the rest of the line is
// lost and counted, and until the port takes bytes again nobody waits for it.
class PortSink : public CharacterSink {
 public:
  static constexpr uint32_t kPatienceMs = 1000;

  explicit PortSink(Port& port) : port_(port) {}
  void Put(char character) override;
  void EndLine() override;
  uint32_t lost_lines() const { return lost_lines_; }

 private:
  void Flush();
  bool WriteSome(Span<const uint8_t>* rest);

  Port& port_;
  uint8_t buffer_[64] = {};
  std::size_t size_ = 0;
  bool line_lost_ = false;
  bool stuck_ = false;
  uint32_t lost_lines_ = 0;
};

class Application {
 public:
  // `pipeline` is initialised; `board` names the board; `models`: what takes new models for
  // `pipeline`, or nullptr. All are kept by the caller.
  Application(Port& port, Pipeline& pipeline, const char* board, ModelReceiver* models = nullptr);

  // Call it before Start: `listener` replaces the listener with the pipeline alone. It is kept by
  // the caller and writes to lines().
  void Use(Listener& listener) { listener_ = &listener; }
  LineWriter& lines() { return lines_; }

  // Says hello, after the reason why the board restarted by itself, if there is one in `last`.
  void Start(const Fault* last);

  // Handles what has come in, a few bytes at a time; a press of the button says the statistics.
  // False when nothing had come: the caller may sleep.
  bool Poll();

  // A line for people: what happened and why, or nullptr.
  void Log(const char* text, const char* reason);

  // Takes samples of the board's microphone; they are left out once the host streams audio.
  void Hear(Span<const int16_t> samples);

  // Since the start or the last reset, of wake words too.
  uint32_t detections() const { return listener_->detections(); }
  bool awake() const { return listener_->awake(); }

 private:
  // Input that was left out, beside what the frame reader counts.
  struct Refused {
    uint32_t command = 0;       // unknown type, or a payload that does not fit it
    uint32_t out_of_order = 0;  // stream frames with another sequence number than the next
  };

  void SayHello(int32_t request);
  void WatchButton();
  void HandleFrame();
  void HandleHello();
  void HandleReset();
  void HandleScores();
  void HandleThreshold();
  void HandleDecoder();
  void HandleListen();
  void HandleGate();
  void HandleAwake();
  void HandleModelFrame();
  void HandleModelData();
  void HandleStream();
  bool AcceptAudio(Span<const uint8_t> payload);
  bool AcceptPackedAudio(Span<const uint8_t> payload);
  void Process(Span<const int16_t> samples);
  void ReportErrors();
  void ForgetAudio();
  void AnswerIf(bool done, const char* reason);
  void Answer(const ModelReceiver::Verdict& verdict);
  void AnswerWithHello(const ModelReceiver::Verdict& verdict);
  void WriteOk();
  void WriteAck();
  void WriteStats(int32_t request);
  void WriteErrorFields();
  uint32_t ErrorCount() const;

  Port& port_;
  Pipeline& pipeline_;
  const char* board_;
  PortSink sink_;
  LineWriter lines_;
  PlainListener alone_;
  Listener* listener_ = &alone_;
  AudioTap tap_;
  ModelReceiver* models_;
  FrameReader reader_;
  Refused refused_;
  uint8_t next_ = 0;        // sequence number of the next stream frame
  bool after_end_ = false;  // the stream frame before it was kEnd
  bool streaming_ = false;  // the host has sent audio since the last reset
  uint32_t reported_errors_ = 0;
  uint32_t reported_at_ms_ = 0;
  bool button_was_down_ = false;
  uint64_t busy_ticks_ = 0;
  uint32_t peak_ticks_ = 0;
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Hears the audio with a pipeline and writes what it finds as lines of the link. wake_listener.h
// adds a wake word before it; firmware with one model has none of that code.
#pragma once

#include <cstdint>

#include "app/event_sink.h"
#include "app/pipeline.h"
#include "base/span.h"
#include "link/line_writer.h"

namespace stapes {

class Listener {
 public:
  // Both outlive this.
  Listener(LineWriter& lines, Pipeline& pipeline)
      : lines_(lines), pipeline_(pipeline), events_(lines, pipeline.bundle()) {}

  virtual void Push(Span<const int16_t> samples) { pipeline_.Push(samples, events_); }
  // Writes what silence gates have put off, then the line that follows the last audio.
  void WriteDone();
  // Back to the first sample. Settings stay.
  virtual void Reset();
  virtual void ResetDecoders() { pipeline_.ResetDecoder(); }
  virtual void SendScores(bool on) { events_.SendScores(on); }

  // Since the last reset.
  virtual uint64_t samples() const { return pipeline_.samples(); }
  virtual uint32_t detections() const { return events_.detections(); }

  // Fields of a line: what a hello says of the wake word; samples, frames, detections.
  virtual void WriteWakeWord() {}
  virtual void WriteCounts();

  virtual Pipeline* wake_word() { return nullptr; }  // nullptr: the pipeline always listens
  virtual bool awake() const { return false; }       // a wake word was heard, and still counts
  // How long a wake word counts. nullptr, or why not: a literal.
  virtual const char* SetAwakeMs(uint32_t awake_ms);

 protected:
  ~Listener() = default;
  virtual void Finish() { pipeline_.Finish(events_); }

  LineWriter& lines_;
  Pipeline& pipeline_;
  EventSink events_;
};

// Of firmware with one model.
class PlainListener final : public Listener {
 public:
  using Listener::Listener;
};

constexpr char kNoWakeWord[] = "this firmware has no wake word";

}  // namespace stapes

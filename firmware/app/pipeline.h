// SPDX-License-Identifier: Apache-2.0
// Front end, network and decoder in one: samples in, scores and detections out.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/model_bundle.h"
#include "base/sample_clock.h"
#include "base/span.h"

namespace stapes {

// Hears what a pipeline finds. Times: end of the newest frame, in whole milliseconds of audio.
class PipelineSink {
 public:
  // The network's input: a frame, or a window of frames. Its scores come next. With a silence gate
  // they may be the scores of silence, made without the network; docs/gate.md.
  virtual void OnFeatures(Span<const int8_t>) {}
  virtual void OnScores(uint32_t time_ms, Span<const int8_t> scores) = 0;
  // Called after OnScores of the same frame, for detections with is_new.
  virtual void OnDetection(const Detection& detection) = 0;

 protected:
  ~PipelineSink() = default;
};

// Memory of a pipeline, of the sizes that the model bundle states. Kept by the caller.
struct PipelineMemory {
  Span<uint8_t> arena;           // 16-byte aligned
  Span<uint8_t> front_end_work;  // 8-byte aligned
  Span<uint8_t> decoder_work;    // 4-byte aligned
};

class Pipeline {
 public:
  // nullptr, or why the model cannot run: a literal. `bundle` must outlive the pipeline.
  const char* Init(const ModelBundle& bundle, const PipelineMemory& memory);

  // Takes any number of 16-bit samples at the model's rate; one inference for each whole frame,
  // or whenever the model's window is due.
  void Push(Span<const int16_t> samples, PipelineSink& sink);

  // Takes samples up to the end of the next frame at most, for a caller that acts between frames.
  // Returns how many: at least 1, if there are any.
  std::size_t PushSome(Span<const int16_t> samples, PipelineSink& sink);

  // Takes a frame that was computed elsewhere, feature_count values, in place of its samples: for
  // hosts, which compute many at once. Push no samples after it before a Reset. The network sees
  // all these frames, even with a gate.
  void PushFrame(Span<const int8_t> features, PipelineSink& sink);

  // The audio has ended: what a silence gate has put off is scored now.
  void Finish(PipelineSink& sink) { CatchUp(UINT32_MAX, sink); }

  // Back to the first sample: front end, network and decoder, and the counters. Settings stay.
  void Reset();

  // The same in the middle of audio: the next sample's time is that of `clock`, which runs at the
  // model's rate, and the counters go on.
  void ResetAt(const SampleClock& clock);

  // Forgets scores and detections; audio, time and the network's memory go on.
  void ResetDecoder() { decoder_.Reset(); }

  // The decoder's settings in force, and others from the next frame on: RecognizeCommands says
  // which are refused. Reconfigure(bundle().decoder) goes back to the model's own.
  const DecoderConfig& decoder_config() const { return decoder_.config(); }
  bool Reconfigure(const DecoderConfig& config) { return decoder_.Reconfigure(config); }
  bool SetThreshold(uint16_t label, uint32_t threshold_q16) {
    return decoder_.SetThreshold(label, threshold_q16);
  }

  // The threshold of the silence gate: see GateConfig. False without a gate, or when it is too
  // high.
  bool SetGate(uint32_t threshold_q16) {
    return bundle_->gate != nullptr && bundle_->gate->SetThreshold(threshold_q16);
  }

  uint32_t AverageQ16(uint16_t label) const { return decoder_.AverageQ16(label); }

  const ModelBundle& bundle() const { return *bundle_; }
  const InferenceEngine& engine() const { return engine_; }
  uint32_t dropped_scores() const { return decoder_.dropped(); }
  const SampleClock& clock() const { return clock_; }
  uint64_t samples() const { return clock_.samples(); }
  uint32_t frames() const { return frames_; }          // scored, silence included
  uint32_t skipped() const { return skipped_; }        // of these, scored as silence by the gate
  uint32_t inferences() const { return inferences_; }  // with those that only fill network memory

 private:
  Span<int8_t> input() const { return {engine_.input().data, engine_.input().size}; }
  bool IsQuiet(Span<const int16_t> window) const;
  bool HasBacklog() const { return bundle_->gate != nullptr && !bundle_->gate->Next().empty(); }
  Span<int8_t> NextInput() const { return HasBacklog() ? bundle_->gate->Next() : input(); }
  Span<int8_t> NextFrame(Span<int8_t> next_input) const;
  bool InferenceIsDue(Span<int8_t> next_input);
  void Take(bool is_quiet, PipelineSink& sink);
  void CatchUp(uint32_t inferences, PipelineSink& sink);
  void Infer(PipelineSink& sink);
  void Invoke();
  void ScoreAsSilence(PipelineSink& sink);
  void Decode(uint32_t time_ms, PipelineSink& sink);

  const ModelBundle* bundle_ = nullptr;
  FrontEnd front_end_;
  InferenceEngine engine_;
  RecognizeCommands decoder_;
  SampleClock clock_;
  uint32_t frames_ = 0;
  uint32_t skipped_ = 0;
  uint64_t newest_input_ = 0;  // samples when it was complete
  uint32_t inferences_ = 0;
};

}  // namespace stapes

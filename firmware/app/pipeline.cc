// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline.h"

#include <cstring>

namespace stapes {
namespace {

// A frame must fit the model's input, and its scores the decoder.
bool Fits(const InferenceEngine& engine, const ModelBundle& bundle) {
  return engine.input().type == TensorType::kInt8 && engine.output().type == TensorType::kInt8 &&
         engine.input().size == std::size_t{bundle.feature_count} * bundle.window_frames &&
         engine.output().size == bundle.label_count;
}

bool GateFits(const ModelBundle& bundle) {
  if (bundle.gate == nullptr) {
    return true;
  }
  const GateConfig& config = bundle.gate->config();
  const std::size_t input_size =
      config.replay_inferences == 0 ? 0 : std::size_t{bundle.feature_count} * bundle.window_frames;
  // The time of an input that the gate has kept is computed back from now.
  const uint64_t kept_samples = (config.replay_inferences + uint64_t{2}) * bundle.stride_samples;
  return bundle.gate->Next().size() == input_size && kept_samples <= SampleClock::kMostSamples &&
         IsFit(config, bundle.front_end->window_samples,
               bundle.stride_samples / bundle.front_end->stride_samples);
}

}  // namespace

const char* Pipeline::Init(const ModelBundle& bundle, const PipelineMemory& memory) {
  bundle_ = &bundle;
  if (!front_end_.Init(*bundle.front_end, memory.front_end_work)) {
    return "the front end's work memory does not fit its tables";
  }
  if (engine_.Init(bundle.model, bundle.operators, memory.arena) != Status::kOk) {
    return engine_.error().reason;
  }
  if (!Fits(engine_, bundle)) {
    return "the network does not take a frame or window of int8 features and give one int8 score a "
           "label";
  }
  if (bundle.gate != nullptr && bundle.gate_config != nullptr) {
    bundle.gate->Configure(*bundle.gate_config,
                           std::size_t{bundle.feature_count} * bundle.window_frames);
  }
  if (!GateFits(bundle)) {
    return "the silence gate's settings or memory do not fit";
  }
  if (bundle.decoder.label_count != bundle.label_count ||
      !decoder_.Init(bundle.decoder, memory.decoder_work)) {
    return "the decoder's settings or work memory do not fit";
  }
  Reset();
  return nullptr;
}

void Pipeline::Push(Span<const int16_t> samples, PipelineSink& sink) {
  while (!samples.empty()) {
    samples = samples.Skip(PushSome(samples, sink));
  }
}

std::size_t Pipeline::PushSome(Span<const int16_t> samples, PipelineSink& sink) {
  const std::size_t taken = front_end_.Push(samples);
  clock_.Count(taken);
  const Span<const int16_t> window = front_end_.Waiting();
  if (!window.empty()) {
    const bool is_quiet = IsQuiet(window);
    front_end_.PopFrame(NextFrame(NextInput()));
    if (InferenceIsDue(NextInput())) {
      Take(is_quiet, sink);
    }
  }
  return taken;
}

void Pipeline::PushFrame(Span<const int8_t> features, PipelineSink& sink) {
  const FrontEndTables& tables = *bundle_->front_end;
  clock_.Count(clock_.samples() == 0 ? tables.window_samples : tables.stride_samples);
  const Span<int8_t> frame = NextFrame(input());
  std::memcpy(frame.data(), features.data(), frame.size());
  if (InferenceIsDue(input())) {
    Infer(sink);
  }
}

void Pipeline::Reset() {
  ResetAt(SampleClock(bundle_->sample_rate));
  frames_ = skipped_ = inferences_ = 0;
}

void Pipeline::ResetAt(const SampleClock& clock) {
  front_end_.Reset();
  if (bundle_->window != nullptr) {
    bundle_->window->Reset();
  }
  if (bundle_->gate != nullptr) {
    bundle_->gate->Reset();
  }
  engine_.Reset();
  decoder_.Reset();
  clock_ = clock;
}

bool Pipeline::IsQuiet(Span<const int16_t> window) const {
  return bundle_->gate != nullptr && !bundle_->gate->Hear(window);
}

Span<int8_t> Pipeline::NextFrame(Span<int8_t> next_input) const {
  return bundle_->window == nullptr ? next_input : bundle_->window->Next();
}

bool Pipeline::InferenceIsDue(Span<int8_t> next_input) {
  return bundle_->window == nullptr || bundle_->window->Take(next_input);
}

// The next input is complete: scores it, now or later.
void Pipeline::Take(bool is_quiet, PipelineSink& sink) {
  if (is_quiet) {
    sink.OnFeatures(NextInput());
    ScoreAsSilence(sink);
  } else if (!HasBacklog()) {
    Infer(sink);
  }
  if (HasBacklog()) {
    newest_input_ = clock_.samples();
    bundle_->gate->Take(!is_quiet);
    CatchUp(bundle_->gate->config().runs_at_once, sink);
  }
}

// Inputs that the gate let through, oldest first. Their scores have the times of their frames,
// however late they come.
void Pipeline::CatchUp(uint32_t inferences, PipelineSink& sink) {
  bool is_scored = false;
  for (; inferences > 0 && HasBacklog() && bundle_->gate->Pop(input(), &is_scored); --inferences) {
    if (is_scored) {
      const auto since = static_cast<uint32_t>(clock_.samples() - newest_input_);
      const uint32_t late = since + bundle_->gate->owed() * bundle_->stride_samples;
      sink.OnFeatures(input());
      Invoke();
      Decode(clock_.MillisecondsBefore(late), sink);
    } else {
      Invoke();
    }
  }
}

void Pipeline::Infer(PipelineSink& sink) {
  sink.OnFeatures(input());
  Invoke();
  Decode(clock_.milliseconds(), sink);
}

void Pipeline::Invoke() {
  engine_.Invoke();  // cannot fail after Init
  ++inferences_;
}

// In place of the network: certainly silence, and nothing else.
void Pipeline::ScoreAsSilence(PipelineSink& sink) {
  const TensorView scores = engine_.output();
  std::memset(scores.data, INT8_MIN, scores.size);
  if (bundle_->decoder.silence_label >= 0) {
    scores.data[bundle_->decoder.silence_label] = INT8_MAX;
  }
  ++skipped_;
  Decode(clock_.milliseconds(), sink);
}

void Pipeline::Decode(uint32_t time_ms, PipelineSink& sink) {
  ++frames_;
  const Span<const int8_t> scores = {engine_.output().data, engine_.output().size};
  sink.OnScores(time_ms, scores);
  Detection detection = {};
  if (decoder_.Process(scores, time_ms, &detection) == DecodeStatus::kOk && detection.is_new) {
    sink.OnDetection(detection);
  }
}

}  // namespace stapes

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
  if (bundle.decoder.label_count != bundle.label_count ||
      !decoder_.Init(bundle.decoder, memory.decoder_work)) {
    return "the decoder's settings or work memory do not fit";
  }
  Reset();
  return nullptr;
}

void Pipeline::Push(Span<const int16_t> samples, PipelineSink& sink) {
  while (!samples.empty()) {
    const std::size_t taken = front_end_.Push(samples);
    samples = samples.Skip(taken);
    clock_.Count(taken);
    if (front_end_.PopFrame(NextFrame()) && InferenceIsDue()) {
      Infer(sink);
    }
  }
}

void Pipeline::PushFrame(Span<const int8_t> features, PipelineSink& sink) {
  const FrontEndTables& tables = *bundle_->front_end;
  clock_.Count(clock_.samples() == 0 ? tables.window_samples : tables.stride_samples);
  const Span<int8_t> frame = NextFrame();
  std::memcpy(frame.data(), features.data(), frame.size());
  if (InferenceIsDue()) {
    Infer(sink);
  }
}

void Pipeline::Reset() {
  front_end_.Reset();
  if (bundle_->window != nullptr) {
    bundle_->window->Reset();
  }
  engine_.Reset();
  decoder_.Reset();
  clock_ = SampleClock(bundle_->sample_rate);
  frames_ = 0;
}

Span<int8_t> Pipeline::NextFrame() const {
  return bundle_->window == nullptr ? input() : bundle_->window->Next();
}

bool Pipeline::InferenceIsDue() {
  return bundle_->window == nullptr || bundle_->window->Take(input());
}

void Pipeline::Infer(PipelineSink& sink) {
  sink.OnFeatures(input());
  engine_.Invoke();  // cannot fail after Init
  ++frames_;
  const Span<const int8_t> scores = {engine_.output().data, engine_.output().size};
  sink.OnScores(clock_.milliseconds(), scores);
  Detection detection = {};
  if (decoder_.Process(scores, clock_.milliseconds(), &detection) == DecodeStatus::kOk &&
      detection.is_new) {
    sink.OnDetection(detection);
  }
}

}  // namespace stapes

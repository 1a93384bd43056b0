#include "app/pipeline.h"

namespace stapes {
namespace {

// A frame must fit the model's input, and its scores the decoder.
bool Fits(const InferenceEngine& engine, const ModelBundle& bundle) {
  return engine.input().type == TensorType::kInt8 && engine.output().type == TensorType::kInt8 &&
         engine.input().size == bundle.feature_count &&
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
    return "the network does not take one frame of int8 features and give one int8 score a label";
  }
  if (bundle.decoder.label_count != bundle.label_count ||
      !decoder_.Init(bundle.decoder, memory.decoder_work)) {
    return "the decoder's settings or work memory do not fit";
  }
  Reset();
  return nullptr;
}

void Pipeline::Push(Span<const int16_t> samples, PipelineSink& sink) {
  const TensorView input = engine_.input();
  while (!samples.empty()) {
    const std::size_t taken = front_end_.Push(samples);
    samples = samples.Skip(taken);
    CountSamples(taken);
    if (front_end_.PopFrame({input.data, input.size})) {
      Infer(sink);
    }
  }
}

void Pipeline::Reset() {
  front_end_.Reset();
  engine_.Reset();
  decoder_.Reset();
  samples_ = 0;
  frames_ = 0;
  time_ms_ = 0;
  time_remainder_ = 0;
}

// 32 bits at a time: the sum stays below 2^32 for 4 million samples in one call.
void Pipeline::CountSamples(std::size_t count) {
  samples_ += count;
  const uint32_t scaled = time_remainder_ + static_cast<uint32_t>(count) * 1000;
  time_ms_ += scaled / bundle_->sample_rate;
  time_remainder_ = scaled % bundle_->sample_rate;
}

void Pipeline::Infer(PipelineSink& sink) {
  sink.OnFeatures({engine_.input().data, engine_.input().size});
  engine_.Invoke();  // cannot fail after Init
  ++frames_;
  const Span<const int8_t> scores = {engine_.output().data, engine_.output().size};
  sink.OnScores(time_ms_, scores);
  Detection detection = {};
  if (decoder_.Process(scores, time_ms_, &detection) == DecodeStatus::kOk && detection.is_new) {
    sink.OnDetection(detection);
  }
}

}  // namespace stapes

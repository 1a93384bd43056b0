#include "app/pipeline.h"

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
    CountSamples(taken);
    if (PopInput()) {
      Infer(sink);
    }
  }
}

void Pipeline::Reset() {
  front_end_.Reset();
  if (bundle_->window != nullptr) {
    bundle_->window->Reset();
  }
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

bool Pipeline::PopInput() {
  const Span<int8_t> input = {engine_.input().data, engine_.input().size};
  return bundle_->window == nullptr ? front_end_.PopFrame(input)
                                    : bundle_->window->Pop(front_end_, input);
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

// SPDX-License-Identifier: Apache-2.0
#include "bind_pipeline.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aligned_bytes.h"
#include "app/pipeline.h"
#include "app/wake_stage.h"
#include "base/sample_clock.h"
#include "bind_decoder.h"
#include "nn/all_operators.h"
#include "owned_tables.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Samples = nb::ndarray<const int16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Frames = nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Makes an array of `shape` from a vector, without a copy.
template <typename T>
nb::object Array(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
  auto* const kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, T>(kept->data(), shape, owner));
}

// Everything that a pipeline reports, one inference after the other.
class Record final : public PipelineSink {
 public:
  void OnFeatures(Span<const int8_t> input) override {
    inputs.insert(inputs.end(), input.begin(), input.end());
  }
  void OnScores(uint32_t time_ms, Span<const int8_t> newest) override {
    times_ms.push_back(time_ms);
    scores.insert(scores.end(), newest.begin(), newest.end());
  }
  void OnDetection(const Detection& detection) override { detections.push_back(detection); }

  std::vector<uint32_t> times_ms;
  std::vector<int8_t> inputs;
  std::vector<int8_t> scores;
  std::vector<Detection> detections;
};

// The settings of a gate, for a bundle that has a gate.
GateConfig MakeGate(uint16_t frame_samples, uint16_t onset_frames, uint16_t hold_frames,
                    uint16_t replay_inferences, uint16_t runs_at_once, uint32_t threshold_q16,
                    uint32_t least_q16, uint32_t rise_q16, uint32_t fall_q16) {
  return {frame_samples, onset_frames, hold_frames, replay_inferences, runs_at_once,
          threshold_q16, least_q16,    rise_q16,    fall_q16};
}

// A pipeline with all that a firmware gives it: the bundle, and memory of the bundle's sizes.
class PythonPipeline {
 public:
  PythonPipeline(const nb::bytes& model, nb::handle tables, const OwnedDecoderConfig& decoder,
                 uint32_t sample_rate, uint16_t window_frames, uint16_t clip_stride_frames,
                 std::size_t arena_bytes, const std::optional<GateConfig>& gate)
      : model_(Copied(model)),
        tables_(tables),
        decoder_(decoder),
        ring_(std::size_t{window_frames} * FeatureCount(tables_.get())),
        window_(Span<int8_t>(ring_.data(), ring_.size()), feature_count(), clip_stride_frames),
        gate_ring_(gate ? GateRingBytes(gate->replay_inferences, ring_.size()) : 0),
        gate_(gate.value_or(GateConfig{}), Span<int8_t>(gate_ring_.data(), gate_ring_.size()),
              ring_.size()),
        arena_(arena_bytes),
        front_end_work_(tables_.get().work_bytes),
        decoder_work_(DecoderWorkBytes(decoder.config.label_count, decoder.config.frame_capacity)) {
    if (window_frames == 0 || clip_stride_frames == 0 || sample_rate == 0) {
      throw nb::value_error("expected a window, a stride and a sample rate above 0");
    }
    FillBundle(sample_rate, window_frames, clip_stride_frames);
    bundle_.gate = gate ? &gate_ : nullptr;
    const PipelineMemory memory = {arena_.span(), front_end_work_.span(), decoder_work_.span()};
    if (const char* reason = pipeline_.Init(bundle_, memory)) {
      throw nb::value_error(reason);
    }
  }
  PythonPipeline(const PythonPipeline&) = delete;
  PythonPipeline& operator=(const PythonPipeline&) = delete;

  nb::tuple Process(const Samples& samples) {
    Record record;
    {
      nb::gil_scoped_release released;
      pipeline_.Push({samples.data(), samples.size()}, record);
    }
    return Results(std::move(record));
  }

  nb::tuple ProcessFrames(const Frames& frames) {
    const std::size_t width = feature_count();
    if (frames.shape(1) != width) {
      throw nb::value_error(("expected " + std::to_string(width) + " values per frame").c_str());
    }
    Record record;
    {
      nb::gil_scoped_release released;
      for (std::size_t i = 0; i < frames.shape(0); ++i) {
        pipeline_.PushFrame({frames.data() + i * width, width}, record);
      }
    }
    return Results(std::move(record));
  }

  nb::tuple Finish() {
    Record record;
    pipeline_.Finish(record);
    return Results(std::move(record));
  }

  uint32_t skipped() const { return pipeline_.skipped(); }
  uint32_t inferences() const { return pipeline_.inferences(); }

  void Reset() { pipeline_.Reset(); }

  Pipeline& firmware() { return pipeline_; }
  uint32_t sample_rate() const { return bundle_.sample_rate; }

  // All that one inference of the network leaves for the next, and some data that never changes. It
  // has positions and no pointers, so that another pipeline of the same model can go on from it.
  nb::bytes State() const {
    return nb::bytes(arena_.data(), pipeline_.engine().persistent_bytes());
  }

  void SetState(const nb::bytes& state) {
    if (state.size() != pipeline_.engine().persistent_bytes()) {
      throw nb::value_error("expected the state of a pipeline with the same model");
    }
    std::memcpy(arena_.data(), state.data(), state.size());
  }

  nb::tuple Results(Record record) const {
    const std::size_t count = record.times_ms.size();
    return nb::make_tuple(Array(std::move(record.times_ms), {count}),
                          Array(std::move(record.inputs), {count, ring_.size()}),
                          Array(std::move(record.scores), {count, bundle_.label_count}),
                          std::move(record.detections));
  }

 private:
  uint16_t feature_count() const { return static_cast<uint16_t>(FeatureCount(tables_.get())); }

  void FillBundle(uint32_t sample_rate, uint16_t window_frames, uint16_t clip_stride_frames) {
    const FrontEndTables& tables = tables_.get();
    bundle_.name = bundle_.sha256 = "";  // only lines of the link need them, and labels
    bundle_.label_count = decoder_.config.label_count;
    bundle_.feature_count = feature_count();
    bundle_.sample_rate = sample_rate;
    bundle_.window_samples = tables.window_samples;
    bundle_.stride_samples = tables.stride_samples * clip_stride_frames;
    bundle_.model = model_.span();
    bundle_.front_end = &tables;
    bundle_.operators = AllOperators();
    bundle_.decoder = decoder_.get();
    bundle_.arena_bytes = arena_.span().size();
    bundle_.front_end_work_bytes = front_end_work_.span().size();
    bundle_.decoder_work_bytes = decoder_work_.span().size();
    bundle_.window_frames = window_frames;
    bundle_.window = window_frames == 1 ? nullptr : &window_;
  }

  AlignedBytes model_;
  OwnedTables tables_;
  OwnedDecoderConfig decoder_;
  std::vector<int8_t> ring_;
  FrameWindow window_;
  std::vector<int8_t> gate_ring_;
  SilenceGate gate_;
  AlignedBytes arena_, front_end_work_, decoder_work_;
  ModelBundle bundle_ = {};
  Pipeline pipeline_;
};

// Everything that two pipelines report, and when the second one wakes and falls asleep.
class WakeRecord final : public WakeSink {
 public:
  PipelineSink& OfWakeWord() override { return wake_word; }
  PipelineSink& OfModel() override { return model; }
  void OnWoken(uint32_t time_ms) override { woken_ms.push_back(time_ms); }
  void OnAsleep(uint32_t time_ms) override { asleep_ms.push_back(time_ms); }

  Record wake_word, model;
  std::vector<uint32_t> woken_ms, asleep_ms;
};

class PythonWakeStage {
 public:
  PythonWakeStage(PythonPipeline& wake_word, PythonPipeline& model, uint32_t awake_ms,
                  uint64_t waking_labels)
      : wake_word_(wake_word),
        model_(model),
        stage_(wake_word.firmware(), model.firmware(), {awake_ms, waking_labels}) {
    if (&wake_word == &model || wake_word.sample_rate() != model.sample_rate() ||
        !stage_.SetAwakeMs(awake_ms)) {
      throw nb::value_error("expected two pipelines of one rate, and 1 ms to 10 minutes");
    }
    stage_.Reset();
  }

  nb::tuple Process(const Samples& samples) {
    WakeRecord record;
    {
      nb::gil_scoped_release released;
      stage_.Push({samples.data(), samples.size()}, record);
    }
    return Results(std::move(record));
  }

  nb::tuple Finish() {
    WakeRecord record;
    stage_.Finish(record);
    return Results(std::move(record));
  }

  void Reset() { stage_.Reset(); }

 private:
  nb::tuple Results(WakeRecord record) const {
    return nb::make_tuple(wake_word_.Results(std::move(record.wake_word)),
                          model_.Results(std::move(record.model)), std::move(record.woken_ms),
                          std::move(record.asleep_ms));
  }

  PythonPipeline& wake_word_;
  PythonPipeline& model_;
  WakeStage stage_;
};

// The times of all inferences over `frames` frames of audio, by the firmware's clock.
nb::object InferenceTimes(uint32_t sample_rate, uint32_t window_samples, uint32_t stride_samples,
                          uint32_t window_frames, uint32_t clip_stride_frames, std::size_t frames) {
  if (sample_rate == 0 || window_frames == 0 || clip_stride_frames == 0) {
    throw nb::value_error("expected a window, a stride and a sample rate above 0");
  }
  SampleClock clock(sample_rate);
  std::vector<uint32_t> times_ms;
  uint32_t missing = window_frames;  // frames until an inference is due
  for (std::size_t i = 0; i < frames; ++i) {
    clock.Count(i == 0 ? window_samples : stride_samples);
    if (--missing > 0) {
      continue;
    }
    missing = clip_stride_frames;
    times_ms.push_back(clock.milliseconds());
  }
  const std::size_t count = times_ms.size();
  return Array(std::move(times_ms), {count});
}

// Which frames of the audio a gate lets through: bool [frames].
nb::object GateOpen(const GateConfig& config, const Samples& samples, std::size_t window_samples,
                    std::size_t stride_samples) {
  if (window_samples == 0 || stride_samples == 0 ||
      !IsFit(config, static_cast<uint32_t>(window_samples), 1)) {
    throw nb::value_error("the gate's settings do not fit the frames");
  }
  std::vector<uint8_t> open;
  {
    nb::gil_scoped_release released;
    SilenceGate gate(config, {}, 0);
    for (std::size_t at = 0; at + window_samples <= samples.size(); at += stride_samples) {
      open.push_back(gate.Hear({samples.data() + at, window_samples}));
    }
  }
  const std::size_t count = open.size();
  return Array(std::move(open), {count}).attr("view")("bool");
}

}  // namespace

void BindPipeline(nb::module_& module) {
  nb::class_<GateConfig>(module, "GateConfig", "Settings of a silence gate: app/silence_gate.h.")
      .def(nb::new_(&MakeGate), nb::kw_only(), nb::arg("frame_samples"), nb::arg("onset_frames"),
           nb::arg("hold_frames"), nb::arg("replay_inferences"), nb::arg("runs_at_once"),
           nb::arg("threshold_q16"), nb::arg("least_q16"), nb::arg("rise_q16"),
           nb::arg("fall_q16"));
  module.def("gate_open", &GateOpen, nb::arg("config"), nb::arg("samples"), nb::kw_only(),
             nb::arg("window_samples"), nb::arg("stride_samples"),
             "bool [frames]: which frames of int16 [n] the network must see.");
  module.def("inference_times", &InferenceTimes, nb::kw_only(), nb::arg("sample_rate"),
             nb::arg("window_samples"), nb::arg("stride_samples"), nb::arg("window_frames"),
             nb::arg("clip_stride_frames"), nb::arg("frames"),
             "uint32 [inferences]: the milliseconds at which the newest frames end.");
  nb::class_<PythonPipeline>(module, "Pipeline", "The firmware's pipeline with one model.")
      .def(nb::init<const nb::bytes&, nb::handle, const OwnedDecoderConfig&, uint32_t, uint16_t,
                    uint16_t, std::size_t, const std::optional<GateConfig>&>(),
           nb::kw_only(), nb::arg("model"), nb::arg("tables"), nb::arg("decoder"),
           nb::arg("sample_rate"), nb::arg("window_frames"), nb::arg("clip_stride_frames"),
           nb::arg("arena_bytes"), nb::arg("gate") = nb::none(),
           "Raises ValueError with the reason for what does not fit.")
      .def("process", &PythonPipeline::Process, nb::arg("samples"),
           "int16 [n] -> what these samples complete: times_ms uint32 [inferences], inputs int8 "
           "[inferences, inputs], scores int8 [inferences, labels], detections.")
      .def("process_frames", &PythonPipeline::ProcessFrames, nb::arg("frames"),
           "The same of frames that the front end computed elsewhere, int8 [n, features].")
      .def("finish", &PythonPipeline::Finish, "The same of what the gate has put off.")
      .def_prop_ro("skipped", &PythonPipeline::skipped, "Frames that the gate scored as silence.")
      .def_prop_ro("inferences", &PythonPipeline::inferences, "Runs of the network.")
      .def("reset", &PythonPipeline::Reset, "Forgets all audio.")
      .def_prop_rw("state", &PythonPipeline::State, &PythonPipeline::SetState,
                   "Bytes: what inferences leave in the network. Equal states go on equally; "
                   "another pipeline with the same model may take it over.");
  nb::class_<PythonWakeStage>(module, "WakeStage", "Two pipelines: the first wakes the second.")
      .def(nb::init<PythonPipeline&, PythonPipeline&, uint32_t, uint64_t>(), nb::kw_only(),
           nb::arg("wake_word"), nb::arg("model"), nb::arg("awake_ms"), nb::arg("waking_labels"),
           nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>(),
           "Raises ValueError with the reason for what does not fit.")
      .def("process", &PythonWakeStage::Process, nb::arg("samples"),
           "int16 [n] -> the results of both, as of Pipeline.process, and the milliseconds at "
           "which the second one woke and fell asleep.")
      .def("finish", &PythonWakeStage::Finish,
           "The audio has ended: the same of what silence gates have put off.")
      .def("reset", &PythonWakeStage::Reset, "Forgets all audio, and sleeps.");
}

}  // namespace stapes

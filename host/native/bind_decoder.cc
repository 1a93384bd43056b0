// SPDX-License-Identifier: Apache-2.0
#include "bind_decoder.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <utility>

namespace nb = nanobind;

namespace stapes {
namespace {

using Scores = nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Times = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

OwnedDecoderConfig MakeConfig(std::vector<uint32_t> thresholds_q16, int16_t silence_label,
                              uint16_t frame_capacity, uint16_t minimum_count,
                              uint32_t average_window_ms, uint32_t suppression_ms,
                              uint32_t hysteresis_q16, bool streaming, bool retrigger,
                              bool tutorial_times) {
  const auto label_count = static_cast<uint16_t>(thresholds_q16.size());
  DecoderConfig config = {label_count,       silence_label, frame_capacity, minimum_count,
                          average_window_ms, kScoreOneQ16,  suppression_ms};
  config.hysteresis_q16 = hysteresis_q16;
  config.mode = streaming ? DecoderMode::kStreaming : DecoderMode::kRecognizeCommands;
  config.retrigger = retrigger;
  config.tutorial_times = tutorial_times;
  return {std::move(thresholds_q16), config};
}

class Decoder {
 public:
  explicit Decoder(const OwnedDecoderConfig& settings)
      : label_count_(settings.config.label_count),
        work_(DecoderWorkBytes(label_count_, settings.config.frame_capacity) / 4 + 1) {
    if (!decoder_.Init(settings.get(),
                       {reinterpret_cast<uint8_t*>(work_.data()), work_.size() * 4})) {
      throw std::invalid_argument("the decoder's settings do not fit together");
    }
  }

  std::vector<Detection> Process(const Scores& scores, const Times& times) {
    if (scores.shape(1) != label_count_ || scores.shape(0) != times.shape(0)) {
      throw std::invalid_argument("expected one row of scores, one score a label, for each time");
    }
    std::vector<Detection> found;
    bool in_order = true;
    {
      nb::gil_scoped_release released;
      in_order = Collect(scores, times, &found);
    }
    if (!in_order) {
      throw std::invalid_argument("expected times that do not run backwards");
    }
    return found;
  }

  void Reset() { decoder_.Reset(); }

 private:
  // False if times run backwards.
  bool Collect(const Scores& scores, const Times& times, std::vector<Detection>* found) {
    for (std::size_t i = 0; i < times.shape(0); ++i) {
      Detection detection;
      const Span<const int8_t> row = {scores.data() + i * label_count_, label_count_};
      if (decoder_.Process(row, times.data()[i], &detection) != DecodeStatus::kOk) {
        return false;
      }
      if (detection.is_new) {
        found->push_back(detection);
      }
    }
    return true;
  }

  uint16_t label_count_;
  std::vector<uint32_t> work_;
  RecognizeCommands decoder_;
};

}  // namespace

void BindDecoder(nb::module_& module) {
  module.def("decoder_frame_capacity", &DecoderFrameCapacity, nb::arg("average_window_ms"),
             nb::arg("stride_samples"), nb::arg("sample_rate"),
             "Scores that one averaging window can hold.");
  module.def("decoder_work_bytes", &DecoderWorkBytes, nb::arg("label_count"),
             nb::arg("frame_capacity"), "Bytes of a decoder's work memory.");
  nb::class_<Detection>(module, "Detection", "A new command.")
      .def_ro("time_ms", &Detection::time_ms)
      .def_ro("label", &Detection::label, "Index, or -1 for silence without a label.")
      .def_ro("score_q16", &Detection::score_q16);
  nb::class_<OwnedDecoderConfig>(module, "DecoderConfig", "Settings of a decoder.")
      .def(nb::new_(&MakeConfig), nb::kw_only(), nb::arg("thresholds_q16"),
           nb::arg("silence_label"), nb::arg("frame_capacity"), nb::arg("minimum_count"),
           nb::arg("average_window_ms"), nb::arg("suppression_ms"), nb::arg("hysteresis_q16"),
           nb::arg("streaming"), nb::arg("retrigger"), nb::arg("tutorial_times"),
           "One threshold for each label.");
  nb::class_<Decoder>(module, "Decoder", "The firmware's RecognizeCommands.")
      .def(nb::init<const OwnedDecoderConfig&>(), nb::arg("config"),
           "Raises ValueError for settings that do not fit together.")
      .def("process", &Decoder::Process, nb::arg("scores"), nb::arg("times_ms"),
           "int8[frames, labels] and uint32[frames] -> the new detections.")
      .def("reset", &Decoder::Reset, "Back to the start.");
}

}  // namespace stapes

#include "bind_decoder.h"

#include <nanobind/ndarray.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "decoder/recognize_commands.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Scores = nb::ndarray<const int8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Times = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

class Decoder {
 public:
  Decoder(uint16_t label_count, int16_t silence_label, uint16_t frame_capacity,
          uint16_t minimum_count, uint32_t average_window_ms, uint32_t threshold_q16,
          uint32_t suppression_ms)
      : label_count_(label_count), work_(DecoderWorkBytes(label_count, frame_capacity) / 4 + 1) {
    const DecoderConfig config = {label_count,       silence_label, frame_capacity, minimum_count,
                                  average_window_ms, threshold_q16, suppression_ms};
    if (!decoder_.Init(config, {reinterpret_cast<uint8_t*>(work_.data()), work_.size() * 4})) {
      throw std::invalid_argument("the decoder's settings do not fit together");
    }
  }

  nb::list Process(const Scores& scores, const Times& times) {
    if (scores.shape(1) != label_count_ || scores.shape(0) != times.shape(0)) {
      throw std::invalid_argument("expected one row of scores, one score a label, for each time");
    }
    nb::list detections;
    for (std::size_t i = 0; i < times.shape(0); ++i) {
      Detection detection;
      const Span<const int8_t> row = {scores.data() + i * label_count_, label_count_};
      if (decoder_.Process(row, times.data()[i], &detection) != DecodeStatus::kOk) {
        throw std::invalid_argument("expected times that do not run backwards");
      }
      if (detection.is_new) {
        detections.append(nb::make_tuple(detection.time_ms, detection.label, detection.score_q16));
      }
    }
    return detections;
  }

  void Reset() { decoder_.Reset(); }

 private:
  uint16_t label_count_;
  std::vector<uint32_t> work_;
  RecognizeCommands decoder_;
};

}  // namespace

void BindDecoder(nb::module_& module) {
  module.def("decoder_frame_capacity", &DecoderFrameCapacity, nb::arg("average_window_ms"),
             nb::arg("stride_samples"), nb::arg("sample_rate"),
             "Scores that one averaging window can hold.");
  nb::class_<Decoder>(module, "Decoder", "The firmware's RecognizeCommands.")
      .def(nb::init<uint16_t, int16_t, uint16_t, uint16_t, uint32_t, uint32_t, uint32_t>(),
           nb::arg("label_count"), nb::arg("silence_label"), nb::arg("frame_capacity"),
           nb::arg("minimum_count"), nb::arg("average_window_ms"), nb::arg("threshold_q16"),
           nb::arg("suppression_ms"), "Raises ValueError for settings that do not fit together.")
      .def("process", &Decoder::Process, nb::arg("scores"), nb::arg("times_ms"),
           "int8[frames, labels] and uint32[frames] -> new detections (time_ms, label, score_q16).")
      .def("reset", &Decoder::Reset, "Back to the start.");
}

}  // namespace stapes

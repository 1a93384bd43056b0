// SPDX-License-Identifier: Apache-2.0
#include "bind_audio.h"

#include <nanobind/ndarray.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "audio/dc_blocker.h"
#include "audio/pdm_decimator.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Words = nb::ndarray<const uint16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Samples = nb::ndarray<const int16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

nb::ndarray<nb::numpy, int16_t> ToNumpy(std::vector<int16_t>&& values) {
  auto owned = std::make_unique<std::vector<int16_t>>(std::move(values));
  int16_t* data = owned->data();
  const std::size_t size = owned->size();
  nb::capsule owner(owned.release(),
                    [](void* p) noexcept { delete static_cast<std::vector<int16_t>*>(p); });
  return nb::ndarray<nb::numpy, int16_t>(data, {size}, owner);
}

PdmDecimator MakeDecimator(int gain_log2) {
  if (gain_log2 < 0 || gain_log2 > PdmDecimator::kMaxGainLog2) {
    throw std::invalid_argument("gain_log2: expected 0 to 5");
  }
  return PdmDecimator(gain_log2);
}

nb::ndarray<nb::numpy, int16_t> DecimatePdm(Words words, int gain_log2) {
  PdmDecimator decimator = MakeDecimator(gain_log2);
  std::vector<int16_t> samples(words.size() / PdmDecimator::kWordsPerSample);
  decimator.Process({words.data(), words.size()}, {samples.data(), samples.size()});
  return ToNumpy(std::move(samples));
}

nb::ndarray<nb::numpy, int16_t> BlockDc(Samples samples) {
  std::vector<int16_t> output(samples.data(), samples.data() + samples.size());
  DcBlocker().Process({output.data(), output.size()});
  return ToNumpy(std::move(output));
}

}  // namespace

void BindAudio(nb::module_& module) {
  module.def("decimate_pdm", &DecimatePdm, nb::arg("words"), nb::arg("gain_log2") = 0,
             "uint16 [4 n], earliest bit first -> int16 [n]: what a board makes of PDM bits.");
  module.def("block_dc", &BlockDc, nb::arg("samples"),
             "int16 [n] -> int16 [n] without their constant part, from a fresh state.");
}

}  // namespace stapes

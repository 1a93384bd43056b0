// SPDX-License-Identifier: Apache-2.0
#include "bind_voice.h"

#include <nanobind/ndarray.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "voice.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Samples = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Array = nb::ndarray<nb::numpy, float>;

constexpr std::size_t kMostSamples = std::size_t{1} << 28;

Array ToNumpy(std::vector<float>&& values) {
  auto owned = std::make_unique<std::vector<float>>(std::move(values));
  float* data = owned->data();
  const std::size_t size = owned->size();
  nb::capsule owner(owned.release(),
                    [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  return Array(data, {size}, owner);
}

void Expect(bool holds, const char* what) {
  if (!holds) {
    throw std::invalid_argument(what);
  }
}

Array PythonStretch(Samples samples, double rate, uint32_t sample_rate) {
  Expect(samples.size() >= 1 && samples.size() <= kMostSamples, "samples: expected 1 to 2^28");
  Expect(rate >= 0.1 && rate <= 10, "rate: expected 0.1 to 10");
  Expect(sample_rate >= 1000 && sample_rate <= 1000000, "sample_rate: expected 1000 to 1000000");
  std::vector<float> output;
  {
    nb::gil_scoped_release release;
    output = Stretch(samples.data(), samples.size(), rate, sample_rate);
  }
  return ToNumpy(std::move(output));
}

Array PythonResample(Samples samples, std::size_t length) {
  Expect(samples.size() >= 1 && samples.size() <= kMostSamples, "samples: expected 1 to 2^28");
  Expect(length >= samples.size() / 100 && length / 100 <= samples.size() && length >= 1,
         "length: expected a hundredth to a hundred times as many samples");
  std::vector<float> output;
  {
    nb::gil_scoped_release release;
    output = Resample(samples.data(), samples.size(), length);
  }
  return ToNumpy(std::move(output));
}

}  // namespace

void BindVoice(nb::module_& module) {
  module.def("stretch", &PythonStretch, nb::arg("samples"), nb::arg("rate"), nb::arg("sample_rate"),
             "float32 [n] -> float32 [about n / rate]: faster or slower at the same pitch.");
  module.def("resample", &PythonResample, nb::arg("samples"), nb::arg("length"),
             "float32 [n] -> float32 [length]: faster and higher, or slower and lower.");
}

}  // namespace stapes

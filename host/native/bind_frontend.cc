#include "bind_frontend.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "frame_lanes.h"
#include "frontend/dct.h"
#include "frontend/front_end.h"
#include "frontend/pcen.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Samples = nb::ndarray<const int16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Clips = nb::ndarray<const int16_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <typename T>
std::vector<T> CopyArray(nb::handle tables, const char* name, std::size_t expected) {
  using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
  const Array array = nb::cast<Array>(tables.attr(name));
  if (array.size() != expected) {
    throw std::invalid_argument(std::string("tables.") + name + ": expected " +
                                std::to_string(expected) + " numbers, got " +
                                std::to_string(array.size()));
  }
  return std::vector<T>(array.data(), array.data() + array.size());
}

template <typename T>
T Number(nb::handle tables, const char* name) {
  return nb::cast<T>(tables.attr(name));
}

void Expect(bool holds, const char* what) {
  if (!holds) {
    throw std::invalid_argument(std::string("tables: expected ") + what);
  }
}

// Six numbers for each butterfly of a block, in all stages but a trivial first one.
std::size_t TwiddleCount(uint32_t fft_log2) {
  const std::size_t size = std::size_t{1} << (fft_log2 - 1);
  std::size_t count = 0;
  for (std::size_t quarter = fft_log2 % 2 == 0 ? 2 : 4; quarter < size; quarter *= 4) {
    count += 6 * quarter;
  }
  return count;
}

// FrontEndTables (host/stapes/device/tables.py) copied into memory of our own.
class OwnedTables {
 public:
  explicit OwnedTables(nb::handle source) {
    tables_.window_samples = Number<uint32_t>(source, "window_samples");
    tables_.stride_samples = Number<uint32_t>(source, "stride_samples");
    tables_.fft_log2 = Number<uint16_t>(source, "fft_log2");
    tables_.input_bits = Number<uint16_t>(source, "input_bits");
    tables_.channel_count = Number<uint16_t>(source, "channel_count");
    tables_.coefficient_count = Number<uint16_t>(source, "coefficient_count");
    tables_.first_bin = Number<uint16_t>(source, "first_bin");
    tables_.last_bin = Number<uint16_t>(source, "last_bin");
    tables_.feature_bits = Number<uint16_t>(source, "feature_bits");
    tables_.zero_point = Number<int16_t>(source, "zero_point");
    tables_.multiplier = Number<int32_t>(source, "multiplier");
    tables_.shift = Number<int32_t>(source, "shift");
    tables_.work_bytes = Number<std::size_t>(source, "work_bytes");
    tables_.pcen_energy_bits = Number<uint16_t>(source, "pcen_energy_bits");
    tables_.pcen_rate = Number<int32_t>(source, "pcen_rate");
    tables_.pcen_alpha = Number<int32_t>(source, "pcen_alpha");
    tables_.pcen_floor = Number<uint32_t>(source, "pcen_floor");
    CheckSizes();
    CopyArrays(source);
  }
  OwnedTables(const OwnedTables&) = delete;
  OwnedTables& operator=(const OwnedTables&) = delete;

  const FrontEndTables& get() const { return tables_; }

 private:
  void CheckSizes() const {
    const uint32_t fft_log2 = tables_.fft_log2;
    Expect(fft_log2 >= 4 && fft_log2 <= 12, "4 <= fft_log2 <= 12");
    Expect(tables_.window_samples >= 1 && tables_.window_samples <= 1u << fft_log2,
           "a window within the FFT size");
    Expect(tables_.stride_samples >= 1, "stride_samples >= 1");
    Expect(tables_.channel_count >= 2 && tables_.channel_count <= 128, "2 to 128 channels");
    Expect(tables_.coefficient_count <= tables_.channel_count, "coefficients <= channels");
    Expect(tables_.first_bin >= 1 && tables_.first_bin <= tables_.last_bin &&
               tables_.last_bin <= 1u << (fft_log2 - 1),
           "1 <= first_bin <= last_bin <= FFT size / 2");
    Expect(tables_.shift >= 32 && tables_.shift <= 62, "32 <= shift <= 62");
  }

  void CopyArrays(nb::handle source) {
    const std::size_t bins = tables_.last_bin - tables_.first_bin + std::size_t{1};
    window_ = CopyArray<int32_t>(source, "window", (tables_.window_samples + 1) / 2 + 1);
    twiddles_ = CopyArray<int32_t>(source, "twiddles", TwiddleCount(tables_.fft_log2));
    bin_twiddles_ = CopyArray<int32_t>(source, "bin_twiddles", 2 * bins);
    band_bins_ = CopyArray<uint16_t>(source, "band_bins", tables_.channel_count + std::size_t{1});
    mel_weights_ = CopyArray<uint16_t>(source, "mel_weights", bins);
    dct_ = CopyArray<int16_t>(source, "dct",
                              tables_.coefficient_count * DctRowLength(tables_.channel_count));
    std::size_t sum = 0;
    for (const uint16_t count : band_bins_) {
      sum += count;
    }
    Expect(sum == bins, "band_bins that add up to the bins");
    tables_.window = window_.data();
    tables_.twiddles = twiddles_.data();
    tables_.bin_twiddles = bin_twiddles_.data();
    tables_.band_bins = band_bins_.data();
    tables_.mel_weights = mel_weights_.data();
    tables_.dct = dct_.data();
    if (nb::cast<std::size_t>(source.attr("pcen_curve").attr("size")) != 0) {
      pcen_curve_ = CopyArray<uint16_t>(source, "pcen_curve", kPcenCurveSize);
      tables_.pcen_curve = pcen_curve_.data();
      CheckPcen();
    }
  }

  void CheckPcen() const {
    Expect(tables_.coefficient_count == 0, "no DCT of normalised energies");
    Expect(tables_.pcen_energy_bits <= 31, "pcen_energy_bits <= 31");
    Expect(tables_.pcen_rate >= 1 && tables_.pcen_rate <= 1 << 16, "1 <= pcen_rate <= 2^16");
    Expect(tables_.pcen_alpha >= 0, "pcen_alpha >= 0");
    Expect(tables_.pcen_floor >= 1 && tables_.pcen_floor <= 1u << 31, "1 <= pcen_floor <= 2^31");
    Expect(std::is_sorted(pcen_curve_.begin(), pcen_curve_.end()), "a pcen_curve that rises");
  }

  FrontEndTables tables_ = {};
  std::vector<int32_t> window_, twiddles_, bin_twiddles_;
  std::vector<uint16_t> band_bins_, mel_weights_, pcen_curve_;
  std::vector<int16_t> dct_;
};

// A front end with its working memory.
class Worker {
 public:
  explicit Worker(const FrontEndTables& tables) : work_((tables.work_bytes + 7) / 8) {
    Span<uint8_t> bytes(reinterpret_cast<uint8_t*>(work_.data()), tables.work_bytes);
    Expect(front_end_.Init(tables, bytes), "enough work_bytes");
  }

  FrontEnd& front_end() { return front_end_; }

 private:
  std::vector<uint64_t> work_;
  FrontEnd front_end_;
};

inline bool Pop(FrontEnd& front_end, Span<int8_t> features) { return front_end.PopFrame(features); }
inline bool Pop(FrontEnd& front_end, Span<int32_t> features) {
  return front_end.PopFrameUnrounded(features);
}

// Pushes all samples and appends every frame that they complete.
template <typename T>
void Stream(FrontEnd& front_end, Span<const int16_t> samples, std::size_t feature_count,
            std::vector<T>* output) {
  while (!samples.empty()) {
    samples = samples.Skip(front_end.Push(samples));
    output->resize(output->size() + feature_count);
    if (!Pop(front_end, {output->data() + output->size() - feature_count, feature_count})) {
      output->resize(output->size() - feature_count);
    }
  }
}

template <typename T>
nb::ndarray<nb::numpy, T> ToNumpy(std::vector<T>&& values, std::initializer_list<size_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  T* data = owned->data();
  nb::capsule owner(owned.release(),
                    [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(data, shape, owner);
}

class PythonFrontEnd {
 public:
  explicit PythonFrontEnd(nb::handle tables) : tables_(tables), worker_(tables_.get()) {}

  template <typename T>
  nb::ndarray<nb::numpy, T> Process(Samples samples) {
    const std::size_t features = FeatureCount(tables_.get());
    std::vector<T> output;
    {
      nb::gil_scoped_release release;
      Stream(worker_.front_end(), Span<const int16_t>(samples.data(), samples.size()), features,
             &output);
    }
    const std::size_t frames = output.size() / features;
    return ToNumpy(std::move(output), {frames, features});
  }

  void Reset() { worker_.front_end().Reset(); }

 private:
  OwnedTables tables_;
  Worker worker_;
};

std::size_t FrameCount(const FrontEndTables& tables, std::size_t samples) {
  if (samples < tables.window_samples) {
    return 0;
  }
  return 1 + (samples - tables.window_samples) / tables.stride_samples;
}

// What one thread computes: the features of clips first, first + step, ...; `output` has the frames
// of all clips at their places.
struct Share {
  const FrontEndTables& tables;
  const Clips& clips;
  std::size_t first, step;
  int8_t* output;
};

// By the firmware's own front end.
void ComputeClips(const Share& share) {
  const FrontEndTables& tables = share.tables;
  const std::size_t length = share.clips.shape(1);
  const std::size_t features = FeatureCount(tables);
  Worker worker(tables);
  FrontEnd& front_end = worker.front_end();
  for (std::size_t i = share.first; i < share.clips.shape(0); i += share.step) {
    front_end.Reset();
    Span<const int16_t> samples(share.clips.data() + i * length, length);
    int8_t* frame = share.output + i * FrameCount(tables, length) * features;
    while (!samples.empty()) {
      samples = samples.Skip(front_end.Push(samples));
      if (front_end.PopFrame({frame, features})) {
        frame += features;
      }
    }
  }
}

// The same, eight frames at a time. Lanes that are left over at the end repeat the last frame, into
// memory that nobody reads.
void ComputeClipsInLanes(const Share& share) {
  constexpr std::size_t kFrames = FrameLanes::kFrames;
  const FrontEndTables& tables = share.tables;
  const std::size_t length = share.clips.shape(1), frames = FrameCount(tables, length);
  FrameLanes lanes(tables);
  const int16_t* samples[kFrames];
  bool is_first[kFrames];
  int8_t* features[kFrames];
  std::size_t filled = 0;
  for (std::size_t i = share.first; i < share.clips.shape(0); i += share.step) {
    for (std::size_t frame = 0; frame < frames; ++frame) {
      samples[filled] = share.clips.data() + i * length + frame * tables.stride_samples;
      is_first[filled] = frame == 0;
      features[filled] = share.output + (i * frames + frame) * FeatureCount(tables);
      if (++filled < kFrames) {
        continue;
      }
      lanes.Compute(samples, is_first, features);
      filled = 0;
    }
  }
  if (filled == 0) {
    return;
  }
  std::vector<int8_t> unread(FeatureCount(tables));
  std::fill(samples + filled, samples + kFrames, samples[filled - 1]);
  std::fill(is_first + filled, is_first + kFrames, false);
  std::fill(features + filled, features + kFrames, unread.data());
  lanes.Compute(samples, is_first, features);
}

nb::ndarray<nb::numpy, int8_t> ComputeFeatures(nb::handle source, Clips clips, std::size_t threads,
                                               bool lanes) {
  if (threads < 1 || threads > 256) {
    throw std::invalid_argument("threads: expected 1 to 256");
  }
  const OwnedTables tables(source);
  const std::size_t frames = FrameCount(tables.get(), clips.shape(1));
  const std::size_t features = FeatureCount(tables.get());
  std::vector<int8_t> output(clips.shape(0) * frames * features);
  const std::size_t workers = std::min(threads, std::max<std::size_t>(clips.shape(0), 1));
  Worker(tables.get());  // throws here, where it may, if the tables do not fit
  const auto compute = lanes && FrameLanes::Available() ? ComputeClipsInLanes : ComputeClips;
  {
    nb::gil_scoped_release release;
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < workers; ++i) {
      others.emplace_back(compute, Share{tables.get(), clips, i, workers, output.data()});
    }
    compute(Share{tables.get(), clips, 0, workers, output.data()});
    for (std::thread& other : others) {
      other.join();
    }
  }
  return ToNumpy(std::move(output), {clips.shape(0), frames, features});
}

}  // namespace

void BindFrontEnd(nb::module_& module) {
  nb::class_<PythonFrontEnd>(module, "FrontEnd", "The device's front end; keeps state.")
      .def(nb::init<nb::handle>(), nb::arg("tables"))
      .def("process", &PythonFrontEnd::Process<int8_t>, nb::arg("samples"),
           "int16 [n] -> int8 [frames, features]: the frames that these samples complete.")
      .def("process_q", &PythonFrontEnd::Process<int32_t>, nb::arg("samples"),
           "The same before rounding to int8: int32 in Q(tables.feature_bits).")
      .def("reset", &PythonFrontEnd::Reset, "Forgets all audio.");
  module.def("compute_features", &ComputeFeatures, nb::arg("tables"), nb::arg("clips"),
             nb::arg("threads") = 1, nb::arg("lanes") = true,
             "int16 [clips, samples] -> int8 [clips, frames, features], each from a fresh state. "
             "With lanes, eight frames at a time where the processor has AVX2: the same bits.");
}

}  // namespace stapes

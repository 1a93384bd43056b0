// SPDX-License-Identifier: Apache-2.0
#include "bind_frontend.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "frame_lanes.h"
#include "frontend/front_end.h"
#include "owned_tables.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Samples = nb::ndarray<const int16_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Clips = nb::ndarray<const int16_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// A front end with its working memory.
class Worker {
 public:
  explicit Worker(const FrontEndTables& tables) : work_((tables.work_bytes + 7) / 8) {
    Span<uint8_t> bytes(reinterpret_cast<uint8_t*>(work_.data()), tables.work_bytes);
    if (!front_end_.Init(tables, bytes)) {
      throw std::invalid_argument("tables: expected enough work_bytes");
    }
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

// The work of one thread: the features of the clips first, first + step, ... In `output`, the
// frames of all clips have their places.
struct Share {
  const FrontEndTables& tables;
  const Clips& clips;
  std::size_t first, step;
  int8_t* output;
};

// Computes a share with the firmware's own front end.
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

// The same, eight frames at a time. Lanes without a frame at the end repeat the last frame, and
// write into memory that nobody reads.
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
  Worker(tables.get());  // if the tables do not fit, it throws here and not in a thread
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

// SPDX-License-Identifier: Apache-2.0
// The module's exports: one model, from samples to detections. boards/web/page/firmware.js calls
// them; memory is taken once and never given back: another model takes another instance.
#include <cstring>
#include <new>

#include "app/pipeline.h"
#include "app/version.h"
#include "boards/web/page_model.h"

#define STAPES_EXPORT(name) extern "C" __attribute__((export_name(#name), visibility("default")))

extern "C" uint8_t __heap_base;

namespace stapes {
namespace {

constexpr std::size_t kPageBytes = 65536;
constexpr uint32_t kPushSamples = 4096;  // at once
constexpr int32_t kNothing = -2;         // label of a record without a detection

// A piece of the memory behind the program's data, grown as needed; nullptr: the browser has none.
uint8_t* Allocate(std::size_t bytes) {
  static std::size_t used = reinterpret_cast<std::size_t>(&__heap_base);
  const std::size_t start = (used + 15) & ~std::size_t{15};
  const std::size_t end = start + bytes;
  const std::size_t pages = (end + kPageBytes - 1) / kPageBytes;
  const std::size_t present = __builtin_wasm_memory_size(0);
  if (end < start || (pages > present && __builtin_wasm_memory_grow(0, pages - present) ==
                                             static_cast<std::size_t>(-1))) {
    return nullptr;
  }
  used = end;
  return reinterpret_cast<uint8_t*>(start);
}

// What came of one inference; the scores and the network's input follow it.
struct Record {
  uint32_t time_ms;
  int32_t label;  // detected: its index, kNoLabel for silence without a label, or kNothing
  uint32_t score_q16;
};

// Takes down what the pipeline finds until the page has read it.
class Recorder : public PipelineSink {
 public:
  bool Init(std::size_t labels, std::size_t inputs, std::size_t capacity) {
    labels_ = labels;
    record_bytes_ = (sizeof(Record) + labels + inputs + 3) & ~std::size_t{3};
    records_ = Allocate(record_bytes_ * capacity);
    return records_ != nullptr;
  }
  void Clear() { count_ = 0; }

  void OnFeatures(Span<const int8_t> features) override {
    std::memcpy(Newest() + sizeof(Record) + labels_, features.data(), features.size());
  }
  void OnScores(uint32_t time_ms, Span<const int8_t> scores) override {
    const Record record = {time_ms, kNothing, 0};
    std::memcpy(Newest(), &record, sizeof record);
    std::memcpy(Newest() + sizeof record, scores.data(), scores.size());
    ++count_;
  }
  void OnDetection(const Detection& detection) override {
    const Record record = {detection.time_ms, detection.label, detection.score_q16};
    std::memcpy(Newest() - record_bytes_, &record, sizeof record);
  }

  const uint8_t* records() const { return records_; }
  std::size_t record_bytes() const { return record_bytes_; }
  uint32_t count() const { return count_; }

 private:
  uint8_t* Newest() { return records_ + count_ * record_bytes_; }

  uint8_t* records_ = nullptr;
  std::size_t labels_ = 0;
  std::size_t record_bytes_ = 0;
  uint32_t count_ = 0;
};

PageModel model;
Pipeline pipeline;
Recorder recorder;
int16_t samples[kPushSamples];

// What the page reads once: numbers, and addresses of texts that end in a zero.
struct Description {
  const char* firmware_version;
  const char* name;
  const char* sha256;
  const char* const* labels;
  uint32_t label_count;
  uint32_t feature_count;
  uint32_t input_count;  // values of the network's input: a frame or a window of frames
  uint32_t sample_rate;
  uint32_t window_samples;
  uint32_t stride_samples;  // from one inference to the next
  uint32_t clip_stride_frames;
  int32_t silence_label;
  const uint8_t* image;  // for a board
  uint32_t image_bytes;
  const int16_t* samples;  // where samples go before Push
  uint32_t push_samples;   // at most, at once
  const uint8_t* records;
  uint32_t record_bytes;
};
Description description;

bool MakeWindow(ModelBundle* bundle) {
  if (bundle->window_frames <= 1) {
    return true;
  }
  const std::size_t bytes = std::size_t{bundle->window_frames} * bundle->feature_count;
  uint8_t* const ring = Allocate(bytes);
  if (ring == nullptr) {
    return false;
  }
  alignas(FrameWindow) static uint8_t place[sizeof(FrameWindow)];
  bundle->window = new (place) FrameWindow({reinterpret_cast<int8_t*>(ring), bytes},
                                           bundle->feature_count, model.clip_stride_frames);
  return true;
}

void Describe(const ModelBundle& bundle, std::size_t inputs) {
  description = {kFirmwareVersion,
                 bundle.name,
                 bundle.sha256,
                 bundle.labels,
                 bundle.label_count,
                 bundle.feature_count,
                 static_cast<uint32_t>(inputs),
                 bundle.sample_rate,
                 bundle.window_samples,
                 bundle.stride_samples,
                 model.clip_stride_frames,
                 bundle.decoder.silence_label,
                 model.image.data(),
                 static_cast<uint32_t>(model.image.size()),
                 samples,
                 kPushSamples,
                 recorder.records(),
                 static_cast<uint32_t>(recorder.record_bytes())};
}

const char* Open(Span<const uint8_t> file) {
  if (const char* reason = model.Read(file)) {
    return reason;
  }
  ModelBundle& bundle = model.loaded.bundle;
  const PipelineMemory memory = {
      {Allocate(bundle.arena_bytes), bundle.arena_bytes},
      {Allocate(bundle.front_end_work_bytes), bundle.front_end_work_bytes},
      {Allocate(bundle.decoder_work_bytes), bundle.decoder_work_bytes}};
  const std::size_t inputs = std::size_t{bundle.feature_count} * bundle.window_frames;
  const bool enough =
      memory.arena.data() != nullptr && memory.front_end_work.data() != nullptr &&
      memory.decoder_work.data() != nullptr && MakeWindow(&bundle) &&
      recorder.Init(bundle.label_count, inputs, kPushSamples / model.front_end.stride_samples + 2);
  if (!enough) {
    return "needs more memory than this browser gives";
  }
  if (const char* reason = pipeline.Init(bundle, memory)) {
    return reason;
  }
  const TensorView input = pipeline.engine().input();
  if (input.scale_bits != model.loaded.input_scale_bits ||
      input.zero_point != bundle.front_end->zero_point) {
    return "its features are quantized for another model";
  }
  Describe(bundle, inputs);
  return nullptr;
}

}  // namespace

// Memory for a file, 16-byte aligned; nullptr when there is none.
STAPES_EXPORT(allocate) uint8_t* ExportAllocate(uint32_t bytes) { return Allocate(bytes); }

// The model of a page, in memory of `allocate`. nullptr, or why it does not run. Called once.
STAPES_EXPORT(open) const char* ExportOpen(const uint8_t* file, uint32_t bytes) {
  return Open({file, bytes});
}

STAPES_EXPORT(describe) const Description* ExportDescribe() { return &description; }

// Takes the first `count` of the samples that the page has laid down; returns how many records
// there are now. Those of the call before are gone.
STAPES_EXPORT(push) uint32_t ExportPush(uint32_t count) {
  recorder.Clear();
  pipeline.Push({samples, count < kPushSamples ? count : kPushSamples}, recorder);
  return recorder.count();
}

STAPES_EXPORT(reset) void ExportReset() { pipeline.Reset(); }

// The decoder's settings in force; times in milliseconds, scores in Q16.
STAPES_EXPORT(threshold) uint32_t ExportThreshold(uint32_t label) {
  return label < model.loaded.bundle.label_count ? pipeline.decoder_config().thresholds_q16[label]
                                                 : 0;
}
STAPES_EXPORT(average_window_ms) uint32_t ExportAverageWindow() {
  return pipeline.decoder_config().average_window_ms;
}
STAPES_EXPORT(suppression_ms) uint32_t ExportSuppression() {
  return pipeline.decoder_config().suppression_ms;
}
STAPES_EXPORT(minimum_count) uint32_t ExportMinimumCount() {
  return pipeline.decoder_config().minimum_count;
}

// 1 when the decoder takes it; else nothing changes (decoder/recognize_commands.h).
STAPES_EXPORT(set_threshold) uint32_t ExportSetThreshold(uint32_t label, uint32_t threshold_q16) {
  return label <= UINT16_MAX && pipeline.SetThreshold(static_cast<uint16_t>(label), threshold_q16);
}
STAPES_EXPORT(reconfigure)
uint32_t ExportReconfigure(uint32_t average_window_ms, uint32_t suppression_ms,
                           uint32_t minimum_count) {
  DecoderConfig config = pipeline.decoder_config();
  config.average_window_ms = average_window_ms;
  config.suppression_ms = suppression_ms;
  config.minimum_count = static_cast<uint16_t>(minimum_count);
  return minimum_count <= UINT16_MAX && pipeline.Reconfigure(config);
}

// The average of a label's scores over the window, which is what the thresholds are for.
STAPES_EXPORT(average) uint32_t ExportAverage(uint32_t label) {
  return label <= UINT16_MAX ? pipeline.AverageQ16(static_cast<uint16_t>(label)) : 0;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The module's exports: one model, or one that a wake word's model wakes, from samples to
// detections. boards/web/page/firmware.js calls them; memory is taken once and never given back:
// another model takes another instance.
#include <cstring>
#include <new>

#include "app/pipeline.h"
#include "app/version.h"
#include "app/wake_stage.h"
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

enum class RecordKind : uint32_t { kOfModel, kOfWakeWord, kWoken, kAsleep };

// The result of one inference, followed by the scores and the network's input; or that the model
// woke or fell asleep.
struct Record {
  RecordKind kind;
  uint32_t time_ms;
  int32_t label;  // detected: its index, kNoLabel for silence without a label, or kNothing
  uint32_t score_q16;
};

// Places for what is found until the page has read it, in the order in which it was found.
class Records {
 public:
  // `values`: scores and inputs of a record, at most. False: the browser has no memory for it.
  bool Init(std::size_t values, std::size_t capacity) {
    record_bytes_ = (sizeof(Record) + values + 3) & ~std::size_t{3};
    bytes_ = Allocate(record_bytes_ * capacity);
    return bytes_ != nullptr;
  }
  void Clear() { count_ = 0; }
  uint8_t* Next() { return bytes_ + count_ * record_bytes_; }
  void Add(const Record& record) {
    std::memcpy(Next(), &record, sizeof record);
    ++count_;
  }

  const uint8_t* bytes() const { return bytes_; }
  std::size_t record_bytes() const { return record_bytes_; }
  uint32_t count() const { return count_; }

 private:
  uint8_t* bytes_ = nullptr;
  std::size_t record_bytes_ = 0;
  uint32_t count_ = 0;
};

// Takes down what one of the models finds.
class Recorder final : public PipelineSink {
 public:
  Recorder(Records& records, RecordKind kind) : records_(records), kind_(kind) {}
  void SetLabels(std::size_t labels) { labels_ = labels; }

  void OnFeatures(Span<const int8_t> features) override {
    std::memcpy(records_.Next() + sizeof(Record) + labels_, features.data(), features.size());
  }
  void OnScores(uint32_t time_ms, Span<const int8_t> scores) override {
    newest_ = records_.Next();
    std::memcpy(newest_ + sizeof(Record), scores.data(), scores.size());
    records_.Add({kind_, time_ms, kNothing, 0});
  }
  // Records of the other model, for the same samples, may lie after the one that this completes.
  void OnDetection(const Detection& detection) override {
    const Record record = {kind_, detection.time_ms, detection.label, detection.score_q16};
    std::memcpy(newest_, &record, sizeof record);
  }

 private:
  Records& records_;
  RecordKind kind_;
  std::size_t labels_ = 0;
  uint8_t* newest_ = nullptr;
};

Records records;

class WakeRecorder final : public WakeSink {
 public:
  PipelineSink& OfWakeWord() override { return wake_word; }
  PipelineSink& OfModel() override { return model; }
  void OnWoken(uint32_t time_ms) override {
    records.Add({RecordKind::kWoken, time_ms, kNothing, 0});
  }
  void OnAsleep(uint32_t time_ms) override {
    records.Add({RecordKind::kAsleep, time_ms, kNothing, 0});
  }

  Recorder model{records, RecordKind::kOfModel};
  Recorder wake_word{records, RecordKind::kOfWakeWord};
};

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
};

// A model with its memory.
struct Loaded {
  PageModel model;
  Pipeline pipeline;
  Description description;
  alignas(FrameWindow) uint8_t window[sizeof(FrameWindow)];
  alignas(SilenceGate) uint8_t gate[sizeof(SilenceGate)];

  const ModelBundle& bundle() const { return model.loaded.bundle; }
  std::size_t inputs() const {
    return std::size_t{bundle().feature_count} * bundle().window_frames;
  }
  std::size_t values() const { return bundle().label_count + inputs(); }
  // One for each frame, and what a gate has put off before.
  std::size_t records_of_a_push() const {
    const std::size_t late =
        bundle().gate == nullptr ? 0 : bundle().gate_config->replay_inferences + 1u;
    return kPushSamples / model.front_end.stride_samples + 2 + late;
  }
};

// Allocated when a model is loaded: as global objects, their initial values would make the module
// larger.
Loaded* of_model = nullptr;
Loaded* of_wake_word = nullptr;
WakeRecorder recorder;
WakeStage* stage = nullptr;  // nullptr: the model always listens
int16_t samples[kPushSamples];

bool MakeWindow(Loaded* loaded) {
  ModelBundle& bundle = loaded->model.loaded.bundle;
  if (bundle.window_frames <= 1) {
    return true;
  }
  const std::size_t bytes = loaded->inputs();
  uint8_t* const ring = Allocate(bytes);
  if (ring == nullptr) {
    return false;
  }
  bundle.window =
      new (loaded->window) FrameWindow({reinterpret_cast<int8_t*>(ring), bytes},
                                       bundle.feature_count, loaded->model.clip_stride_frames);
  return true;
}

// A gate for the model's settings, `ring_bytes` of memory in it; nullptr: there is no memory.
FrameGate* MakeGate(Loaded* loaded, std::size_t ring_bytes) {
  auto* const ring = reinterpret_cast<int8_t*>(Allocate(ring_bytes));
  const GateConfig none = {};
  return ring == nullptr ? nullptr : new (loaded->gate) SilenceGate(none, {ring, ring_bytes}, 0);
}

bool GiveGateItsRing(Loaded* loaded) {
  ModelBundle& bundle = loaded->model.loaded.bundle;
  if (bundle.gate == nullptr) {
    return true;
  }
  bundle.gate =
      MakeGate(loaded, GateRingBytes(bundle.gate_config->replay_inferences, loaded->inputs()));
  return bundle.gate != nullptr;
}

void Describe(Loaded* loaded) {
  const ModelBundle& bundle = loaded->bundle();
  loaded->description = {kFirmwareVersion,
                         bundle.name,
                         bundle.sha256,
                         bundle.labels,
                         bundle.label_count,
                         bundle.feature_count,
                         static_cast<uint32_t>(loaded->inputs()),
                         bundle.sample_rate,
                         bundle.window_samples,
                         bundle.stride_samples,
                         loaded->model.clip_stride_frames,
                         bundle.decoder.silence_label,
                         loaded->model.image.data(),
                         static_cast<uint32_t>(loaded->model.image.size()),
                         samples,
                         kPushSamples};
}

constexpr char kNoMemory[] = "needs more memory than this browser gives";

const char* Load(Span<const uint8_t> file, Loaded** place) {
  void* const taken = Allocate(sizeof(Loaded));
  if (taken == nullptr) {
    return kNoMemory;
  }
  Loaded* const loaded = *place = new (taken) Loaded();
  if (const char* reason = loaded->model.Read(file, MakeGate(loaded, 0))) {
    return reason;
  }
  const ModelBundle& bundle = loaded->bundle();
  const PipelineMemory memory = {
      {Allocate(bundle.arena_bytes), bundle.arena_bytes},
      {Allocate(bundle.front_end_work_bytes), bundle.front_end_work_bytes},
      {Allocate(bundle.decoder_work_bytes), bundle.decoder_work_bytes}};
  const bool enough = memory.arena.data() != nullptr && memory.front_end_work.data() != nullptr &&
                      memory.decoder_work.data() != nullptr && MakeWindow(loaded) &&
                      GiveGateItsRing(loaded);
  if (!enough) {
    return kNoMemory;
  }
  if (const char* reason = loaded->pipeline.Init(bundle, memory)) {
    return reason;
  }
  const TensorView input = loaded->pipeline.engine().input();
  if (input.scale_bits != loaded->model.loaded.input_scale_bits ||
      input.zero_point != bundle.front_end->zero_point) {
    return "its features are quantized for another model";
  }
  Describe(loaded);
  return nullptr;
}

const char* Open(Span<const uint8_t> file) {
  if (const char* reason = Load(file, &of_model)) {
    return reason;
  }
  recorder.model.SetLabels(of_model->bundle().label_count);
  return records.Init(of_model->values(), of_model->records_of_a_push()) ? nullptr : kNoMemory;
}

// A bit for each label that a person says.
uint64_t WakingLabels(const ModelBundle& bundle) {
  uint64_t labels = 0;
  for (uint16_t i = 0; i < bundle.label_count; ++i) {
    const bool is_word = std::strcmp(bundle.labels[i], "_silence_") != 0 &&
                         std::strcmp(bundle.labels[i], "_unknown_") != 0;
    labels |= uint64_t{is_word} << i;
  }
  return labels;
}

const char* OpenWake(Span<const uint8_t> file, uint32_t awake_ms) {
  if (const char* reason = Load(file, &of_wake_word)) {
    return reason;
  }
  if (of_wake_word->bundle().sample_rate != of_model->bundle().sample_rate) {
    return "the wake word's model is for another sample rate";
  }
  if (awake_ms == 0 || awake_ms > kMostAwakeMs) {
    return "expected to be awake for 1 ms to 10 minutes";
  }
  recorder.wake_word.SetLabels(of_wake_word->bundle().label_count);
  const std::size_t values =
      of_model->values() > of_wake_word->values() ? of_model->values() : of_wake_word->values();
  // Between two frames of the wake word's model, the main model falls asleep at most once.
  const std::size_t capacity =
      of_model->records_of_a_push() + 3 * of_wake_word->records_of_a_push();
  if (!records.Init(values, capacity)) {
    return kNoMemory;
  }
  alignas(WakeStage) static uint8_t place[sizeof(WakeStage)];
  stage = new (place) WakeStage(of_wake_word->pipeline, of_model->pipeline,
                                {awake_ms, WakingLabels(of_wake_word->bundle())});
  return nullptr;
}

}  // namespace

// Memory for a file, 16-byte aligned; nullptr when there is none.
STAPES_EXPORT(allocate) uint8_t* ExportAllocate(uint32_t bytes) { return Allocate(bytes); }

// The model of a page, in memory of `allocate`. nullptr, or why it does not run. Called once.
STAPES_EXPORT(open) const char* ExportOpen(const uint8_t* file, uint32_t bytes) {
  return Open({file, bytes});
}

// After open: the model of a wake word. The first model then sleeps until the wake word is heard,
// and listens for `awake_ms` after it. nullptr, or why not. Called once.
STAPES_EXPORT(open_wake)
const char* ExportOpenWake(const uint8_t* file, uint32_t bytes, uint32_t awake_ms) {
  return OpenWake({file, bytes}, awake_ms);
}

STAPES_EXPORT(describe) const Description* ExportDescribe() { return &of_model->description; }
STAPES_EXPORT(describe_wake) const Description* ExportDescribeWake() {
  return &of_wake_word->description;
}

// Takes the first `count` of the samples that the page has written to `samples`; returns how many
// records there are now. The records of the call before are gone.
STAPES_EXPORT(push) uint32_t ExportPush(uint32_t count) {
  records.Clear();
  const Span<const int16_t> heard = {samples, count < kPushSamples ? count : kPushSamples};
  if (stage != nullptr) {
    stage->Push(heard, recorder);
  } else {
    of_model->pipeline.Push(heard, recorder.model);
  }
  return records.count();
}
STAPES_EXPORT(records) const uint8_t* ExportRecords() { return records.bytes(); }
STAPES_EXPORT(record_bytes) uint32_t ExportRecordBytes() {
  return static_cast<uint32_t>(records.record_bytes());
}

STAPES_EXPORT(reset) void ExportReset() {
  if (stage != nullptr) {
    stage->Reset();
  } else {
    of_model->pipeline.Reset();
  }
}

// 1 when the model listens: always, without a wake word.
STAPES_EXPORT(awake) uint32_t ExportAwake() { return stage == nullptr || stage->awake(); }

// The decoder's settings in force; times in milliseconds, scores in Q16.
STAPES_EXPORT(threshold) uint32_t ExportThreshold(uint32_t label) {
  return label < of_model->bundle().label_count
             ? of_model->pipeline.decoder_config().thresholds_q16[label]
             : 0;
}
STAPES_EXPORT(average_window_ms) uint32_t ExportAverageWindow() {
  return of_model->pipeline.decoder_config().average_window_ms;
}
STAPES_EXPORT(suppression_ms) uint32_t ExportSuppression() {
  return of_model->pipeline.decoder_config().suppression_ms;
}
STAPES_EXPORT(minimum_count) uint32_t ExportMinimumCount() {
  return of_model->pipeline.decoder_config().minimum_count;
}

// 1 when the decoder takes it; else nothing changes (decoder/recognize_commands.h).
STAPES_EXPORT(set_threshold) uint32_t ExportSetThreshold(uint32_t label, uint32_t threshold_q16) {
  return label <= UINT16_MAX &&
         of_model->pipeline.SetThreshold(static_cast<uint16_t>(label), threshold_q16);
}
STAPES_EXPORT(reconfigure)
uint32_t ExportReconfigure(uint32_t average_window_ms, uint32_t suppression_ms,
                           uint32_t minimum_count) {
  DecoderConfig config = of_model->pipeline.decoder_config();
  config.average_window_ms = average_window_ms;
  config.suppression_ms = suppression_ms;
  config.minimum_count = static_cast<uint16_t>(minimum_count);
  return minimum_count <= UINT16_MAX && of_model->pipeline.Reconfigure(config);
}

// The average of a label's scores over the window, which is what the thresholds are for.
STAPES_EXPORT(average) uint32_t ExportAverage(uint32_t label) {
  return label <= UINT16_MAX ? of_model->pipeline.AverageQ16(static_cast<uint16_t>(label)) : 0;
}

}  // namespace stapes

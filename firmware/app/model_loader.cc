// SPDX-License-Identifier: Apache-2.0
#include "app/model_loader.h"

#include "base/crc32.h"

namespace stapes {
namespace {

constexpr std::size_t kHashDigits = 64;
constexpr char kDamaged[] = "its image is damaged";

// Names a built-in model by its SHA-256.
uint32_t BaseOf(const ModelBundle& built_in) {
  return Crc32Update(0, {reinterpret_cast<const uint8_t*>(built_in.sha256), kHashDigits});
}

ModelReceiver::Verdict Refused(const char* reason) { return {reason, "", -1}; }

}  // namespace

ModelLoader::ModelLoader(Flash& flash, const ModelBundle& built_in, Pipeline& pipeline,
                         const PipelineMemory& memory, const ModelGuard* guard)
    : built_in_(built_in),
      pipeline_(pipeline),
      memory_(memory),
      guard_(guard),
      slots_(flash, BaseOf(built_in)) {}

const char* ModelLoader::Start() {
  uint32_t allowed = (1u << ModelSlots::kCount) - 1;
  counts_ = ModelSlots::kNone;
  passed_over_ = slots_.NewestRecord(allowed) == slots_.Newest(allowed) ? nullptr : kDamaged;
  for (int slot = slots_.Newest(allowed); slot != ModelSlots::kNone;
       slot = slots_.Newest(allowed)) {
    const Verdict verdict = RunSlot(slot);
    if (verdict.reason == nullptr) {
      counts_ = slot;
      return nullptr;
    }
    passed_over_ = verdict.reason;
    allowed &= ~(1u << slot);
  }
  return RunBuiltIn().reason;
}

ModelReceiver::Verdict ModelLoader::Begin(uint32_t bytes, uint32_t crc) {
  receiving_ = false;
  if (bytes > slots_.capacity()) {
    return Refused("larger than a slot");
  }
  if (!slots_.Begin(counts_, bytes)) {
    return FailedWrite();
  }
  receiving_ = true;
  expected_bytes_ = bytes;
  expected_crc_ = crc;
  return {};
}

ModelReceiver::Verdict ModelLoader::Take(uint32_t offset, Span<const uint8_t> bytes) {
  if (!receiving_) {
    return Refused("no model has been begun");
  }
  if (offset != slots_.written() || offset >= expected_bytes_) {
    return {};  // the answer says which bytes are waited for
  }
  return slots_.Append(bytes) ? Verdict{} : FailedWrite();
}

ModelReceiver::Verdict ModelLoader::Commit(uint32_t crc) {
  if (!receiving_) {
    // The host may have missed the answer.
    const bool again = running_ != ModelSlots::kNone && crc == committed_crc_;
    return again ? Verdict{} : Refused("no model has been begun");
  }
  const Span<const uint8_t> image = slots_.Written();
  if (image.size() != expected_bytes_ || crc != expected_crc_ || Crc32Update(0, image) != crc) {
    return Refused("incomplete or damaged on its way");
  }
  receiving_ = false;
  ModelGuard::Verdict guarded = {nullptr, slots_.version()};
  if (guard_ != nullptr) {
    guarded = guard_->Check(image, slots_.version());
  }
  if (guarded.reason != nullptr) {
    return Refused(guarded.reason);
  }
  Verdict verdict = Run(image);
  if (verdict.reason == nullptr && !slots_.Commit(guarded.version)) {
    verdict = FailedWrite();
  }
  if (verdict.reason != nullptr) {
    return Restore(verdict);
  }
  running_ = counts_ = slots_.target();
  committed_crc_ = crc;
  return {};
}

ModelReceiver::Verdict ModelLoader::UseBuiltIn() {
  receiving_ = false;
  if (running_ == ModelSlots::kNone) {
    return {};
  }
  if (!slots_.Begin(counts_, kNothing) || !slots_.Commit(slots_.version())) {
    return FailedWrite();
  }
  counts_ = slots_.target();
  return RunBuiltIn();
}

ModelReceiver::Verdict ModelLoader::Run(Span<const uint8_t> image) {
  if (const char* reason = image_.Set(image, built_in_)) {
    return Refused(reason);
  }
  if (const char* reason = pipeline_.Init(image_.bundle, memory_)) {
    const ErrorDetails& error = pipeline_.engine().error();
    if (error.reason == reason) {
      return {reason, error.operator_name, error.operator_index};
    }
    return Refused(reason);
  }
  const TensorView input = pipeline_.engine().input();
  if (input.scale_bits != image_.input_scale_bits ||
      input.zero_point != image_.front_end.zero_point) {
    return Refused("its features are quantized for another model");
  }
  return {};
}

ModelReceiver::Verdict ModelLoader::RunBuiltIn() {
  image_.Set(built_in_);
  running_ = ModelSlots::kNone;
  return {pipeline_.Init(image_.bundle, memory_), "", -1};
}

ModelReceiver::Verdict ModelLoader::RunSlot(int slot) {
  const Span<const uint8_t> image = slots_.Image(slot);
  if (image.empty()) {
    return RunBuiltIn();
  }
  const Verdict verdict = Run(image);
  running_ = verdict.reason == nullptr ? slot : ModelSlots::kNone;
  return verdict;
}

// After a refusal: runs what a restart would run. This is the model that ran before, unless its
// stored image has been damaged.
ModelReceiver::Verdict ModelLoader::Restore(Verdict verdict) {
  const int before = running_;
  verdict.fallen = Start();
  if (verdict.fallen == nullptr && running_ != before) {
    verdict.fallen = passed_over_ != nullptr ? passed_over_ : kDamaged;
  }
  return verdict;
}

ModelReceiver::Verdict ModelLoader::FailedWrite() {
  receiving_ = false;
  return Refused("the memory for models cannot be written");
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Loads models into a pipeline: at the start the one that counts, later those that the host sends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/model_guard.h"
#include "app/model_image.h"
#include "app/model_receiver.h"
#include "app/model_slots.h"
#include "app/pipeline.h"

namespace stapes {

class ModelLoader final : public ModelReceiver {
 public:
  // All are kept by the caller. `memory` is the pipeline's; `guard` checks new models, nullptr: all
  // may run.
  ModelLoader(Flash& flash, const ModelBundle& built_in, Pipeline& pipeline,
              const PipelineMemory& memory, const ModelGuard* guard = nullptr);

  // Runs the newest committed model, an older one or the built-in one where it does not run.
  // nullptr, or why not even the built-in one runs.
  const char* Start();

  // Why a committed model was passed over by the last Start, nullptr when none was.
  const char* passed_over() const { return passed_over_; }

  std::size_t capacity() const override { return slots_.capacity(); }
  int slot() const override { return running_; }
  bool damaged() const override {
    return running_ != ModelSlots::kNone && !slots_.IsGood(running_);
  }
  Verdict Begin(uint32_t bytes, uint32_t crc) override;
  Verdict Take(uint32_t offset, Span<const uint8_t> bytes) override;
  uint32_t next_offset() const override { return static_cast<uint32_t>(slots_.written()); }
  Verdict Commit(uint32_t crc) override;
  Verdict UseBuiltIn() override;

 private:
  // Image size of a slot that stands for the built-in model.
  static constexpr uint32_t kNothing = 0;

  Verdict Run(Span<const uint8_t> image);
  Verdict RunBuiltIn();
  Verdict RunSlot(int slot);
  Verdict Restore(Verdict verdict);
  Verdict FailedWrite();

  const ModelBundle& built_in_;
  Pipeline& pipeline_;
  PipelineMemory memory_;
  const ModelGuard* guard_;
  ModelSlots slots_;
  ModelImage image_ = {};  // of the running model
  int running_ = ModelSlots::kNone;
  int counts_ = ModelSlots::kNone;  // the slot that counts at the next start; never written to
  bool receiving_ = false;
  uint32_t expected_bytes_ = 0;
  uint32_t expected_crc_ = 0;
  uint32_t committed_crc_ = 0;
  const char* passed_over_ = nullptr;
};

}  // namespace stapes

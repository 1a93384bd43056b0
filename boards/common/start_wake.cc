// SPDX-License-Identifier: Apache-2.0
// Firmware with a wake word's model before the other one: memory for it, and the two stages.
#include "boards/common/start_wake.h"

#include "app/wake_listener.h"
#include "stapes_wake.h"

namespace stapes {
namespace {

alignas(16) uint8_t arena[wake_model::kArenaBytes];
alignas(8) uint8_t front_end_work[wake_model::kFrontEndWorkBytes];
alignas(4) uint8_t decoder_work[wake_model::kDecoderWorkBytes];

}  // namespace

StartedWake StartWake(Pipeline& model, LineWriter& lines) {
  static Pipeline wake_word;
  const PipelineMemory memory = {arena, front_end_work, decoder_work};
  if (const char* reason = wake_word.Init(wake_model::kModel, memory)) {
    return {reason, nullptr};
  }
  static WakeListener listener(lines, wake_word, model, {kAwakeMs, kWakingLabels});
  return {nullptr, &listener};
}

}  // namespace stapes

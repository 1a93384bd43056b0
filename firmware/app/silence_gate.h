// SPDX-License-Identifier: Apache-2.0
// A gate before the network: while a room is quiet, the network does not run.
//
// A frame is loud when one of four octaves of its samples lies `threshold_q16` above the floor of
// that octave, a level that follows the quiet of the room. Enough loud frames open the gate; it
// closes when none has been loud for some time. Inputs of the network (frames, or windows of
// frames) that come while the gate is closed are kept. When it opens, the network first sees the
// kept inputs that it would still remember, a few at a time. So the scores that follow equal those
// of a network that had always run. docs/gate.md says how and where that holds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Levels are log2 of sums of magnitudes, Q16: 65536 is 6.02 dB. `stapes emit` writes the settings
// from the model file.
struct GateConfig {
  uint16_t frame_samples;      // newest samples of a frame that are listened to: 8, 16, ... window
  uint16_t onset_frames;       // loud frames, less the quiet ones between them, that open the gate
  uint16_t hold_frames;        // frames after the last loud one for which it stays open
  uint16_t replay_inferences;  // inputs before an input that its scores depend on; 0: none
  uint16_t runs_at_once;   // inferences at most when an input comes, while missed ones are made up
  uint32_t threshold_q16;  // how far above its floor a loud octave lies; 0: always open
  uint32_t least_q16;      // no floor is lower: quieter than that is silence
  uint32_t rise_q16;       // share of the way that a floor goes up to a higher level in a frame
  uint32_t fall_q16;       // and down to a lower one
};

// Bytes of a gate's ring: the inputs that the network remembers, and the newest.
constexpr std::size_t GateRingBytes(uint16_t replay_inferences, std::size_t input_size) {
  return replay_inferences == 0 ? 0 : (std::size_t{replay_inferences} + 1) * input_size;
}

// Whether the settings fit together and fit frames of `window_samples`, with an inference every
// `stride_frames` frames.
bool IsFit(const GateConfig& config, uint32_t window_samples, uint32_t stride_frames);

// What a pipeline sees of a gate. It is an interface so that firmware without one links none of its
// code.
class FrameGate {
 public:
  // Listens to the samples of the next frame. True: the network must see it.
  virtual bool Hear(Span<const int16_t> window) = 0;

  // For networks with a memory. Where the next input goes; empty for others.
  virtual Span<int8_t> Next() = 0;
  // The next input is complete. `is_open`: the network must see it.
  virtual void Take(bool is_open) = 0;
  // False when the network has seen all it must. Else copies the oldest input that is left to
  // `input`. *is_scored is false when the input only fills the network's memory.
  virtual bool Pop(Span<int8_t> input, bool* is_scored) = 0;
  // Inputs that the network must still see.
  virtual uint32_t owed() const = 0;

  // Back to the first sample; settings stay as they are.
  virtual void Reset() = 0;
  virtual const GateConfig& config() const = 0;
  // Takes other settings, for inputs of `input_size` values, and starts anew. Next() is empty for a
  // network with a memory if the ring is too small for it.
  virtual void Configure(const GateConfig& config, std::size_t input_size) = 0;
  // False, and nothing changes, when it is too high: see GateConfig.
  virtual bool SetThreshold(uint32_t threshold_q16) = 0;

 protected:
  ~FrameGate() = default;
};

class SilenceGate final : public FrameGate {
 public:
  // `ring` holds GateRingBytes() and outlives this. `input_size`: values of one input.
  constexpr SilenceGate(const GateConfig& config, Span<int8_t> ring, std::size_t input_size)
      : config_(config), ring_(ring), input_size_(input_size), hold_(config.hold_frames) {}

  bool Hear(Span<const int16_t> window) override;
  Span<int8_t> Next() override;
  void Take(bool is_open) override;
  bool Pop(Span<int8_t> input, bool* is_scored) override;
  uint32_t owed() const override { return owed_; }
  void Reset() override;
  void Configure(const GateConfig& config, std::size_t input_size) override;
  const GateConfig& config() const override { return config_; }
  bool SetThreshold(uint32_t threshold_q16) override;

 private:
  static constexpr uint32_t kOctaves = 4;

  bool IsLoud(Span<const int16_t> samples);

  GateConfig config_;
  Span<int8_t> ring_;  // [replay_inferences + 1, input_size]
  std::size_t input_size_;
  int32_t floors_q16_[kOctaves] = {};
  bool has_floors_ = false;
  uint32_t onset_ = 0;    // loud frames, less quiet ones
  uint32_t hold_;         // frames until it closes; 0: closed
  uint32_t next_ = 0;     // place in the ring that is next
  uint32_t missed_ = 0;   // inputs that the network has not seen, up to replay_inferences
  uint32_t owed_ = 0;     // newest inputs that it must see
  uint32_t warm_up_ = 0;  // of these, the oldest: for its memory only
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Inputs for networks that see many frames at once: the newest ones, at every so many frames.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Stands between front end and network where not every frame is an inference. It is an interface so
// that firmware with a streaming network links none of its code.
class InputWindow {
 public:
  // Where the next frame goes.
  virtual Span<int8_t> Next() = 0;
  // The next frame is there. True when an inference is due: `input` then holds the window, oldest
  // frame first.
  virtual bool Take(Span<int8_t> input) = 0;
  // Forgets all frames.
  virtual void Reset() = 0;

 protected:
  ~InputWindow() = default;
};

// A ring of frames in memory of the caller. Each frame is written once and copied once for each
// inference, because the network works in its input's memory.
class FrameWindow final : public InputWindow {
 public:
  // `ring` holds the frames of one window, `feature_count` int8 values each, and outlives this.
  // The first inference is due when it is full, the others `stride_frames` later each; none of the
  // numbers is 0.
  constexpr FrameWindow(Span<int8_t> ring, uint16_t feature_count, uint16_t stride_frames)
      : ring_(ring), feature_count_(feature_count), stride_frames_(stride_frames) {}

  Span<int8_t> Next() override { return {ring_.data() + next_, feature_count_}; }
  bool Take(Span<int8_t> input) override;
  void Reset() override;

 private:
  Span<int8_t> ring_;
  uint16_t feature_count_;
  uint16_t stride_frames_;
  std::size_t next_ = 0;     // where the next frame goes: the oldest one once the ring is full
  std::size_t missing_ = 0;  // frames until an inference is due, set by Reset
};

}  // namespace stapes

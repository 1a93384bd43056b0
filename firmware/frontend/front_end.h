// SPDX-License-Identifier: Apache-2.0
// The front end: 16-bit samples in, frames of MFCC, log-mel or PCEN features out. Integer only.
//
// The features follow TensorFlow's AudioSpectrogram (squared magnitudes) and Mfcc; docs/numerics.md
// states how closely.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"
#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"
#include "frontend/pcen.h"
#include "frontend/samples.h"

namespace stapes {

// Streaming: push any number of samples, pop a frame whenever one is complete. How the audio is cut
// up makes no difference to the frames.
class FrontEnd {
 public:
  // `work` holds tables.work_bytes and is 8-byte aligned; both live as long as the front end.
  // False when `work` is too small or not aligned; the front end is then unusable.
  bool Init(const FrontEndTables& tables, Span<uint8_t> work);

  // Takes samples up to the end of the next frame and returns how many; 0 while a frame waits.
  std::size_t Push(Span<const int16_t> samples);

  // The samples of the waiting frame, window_samples of them; empty while none waits.
  Span<const int16_t> Waiting() const;

  // Computes the waiting frame: int8 with the model's scale and zero point, FeatureCount(tables)
  // numbers. False when no frame waits or `features` has another size; nothing happens then.
  bool PopFrame(Span<int8_t> features) {
    return FrameWaits(features.size()) && ComputeRounded(features);
  }

  // The same frame before it is rounded to int8, in Q(tables.feature_bits): natural logarithms,
  // their DCT, or normalised energies.
  bool PopFrameUnrounded(Span<int32_t> features) {
    return FrameWaits(features.size()) && ComputeUnrounded(features);
  }

  // Forgets all samples and energies: the next frame starts with the next sample pushed.
  void Reset();

 private:
  bool IsFull() const { return filled_ == static_cast<int32_t>(tables_->window_samples); }

  bool FrameWaits(std::size_t feature_count) const {
    return IsFull() && feature_count == FeatureCount(*tables_);
  }

  bool ComputeRounded(Span<int8_t> features);
  bool ComputeUnrounded(Span<int32_t> features);
  const int32_t* ComputeFrame();
  void DropStride();

  const FrontEndTables* tables_ = nullptr;
  ComplexInt* spectrum_ = nullptr;  // FFT size / 2 + 1 numbers, then the DCT's output
  int32_t* logs_ = nullptr;         // DctInputLength(channel_count)
  int16_t* samples_ = nullptr;      // window_samples
  int32_t filled_ = 0;              // samples held; below 0: so many are to be skipped
  SignChanges changes_;             // of the samples held
  PcenState pcen_ = {};
};

}  // namespace stapes

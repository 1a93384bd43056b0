// SPDX-License-Identifier: Apache-2.0
// The front end over eight frames at once, for whole corpora. Host only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "frontend/front_end_tables.h"

namespace stapes {

// The features of FrontEnd, bit for bit: each step is that of the file in firmware/frontend/ which
// it is named after, with one frame in each lane of an AVX2 register.
class FrameLanes {
 public:
  static constexpr std::size_t kFrames = 8;

  // Whether this machine can; nothing below may be called where it cannot.
  static bool Available();

  // The tables must outlive this. The energies that PCEN smooths go from one call to the next.
  explicit FrameLanes(const FrontEndTables& tables);
  ~FrameLanes();

  // Frames of tables.window_samples; takes FeatureCount(tables) features of each. A frame follows
  // on the one before it, unless it is the first of a clip.
  void Compute(const int16_t* const frames[kFrames], const bool is_first[kFrames],
               int8_t* const features[kFrames]);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stapes

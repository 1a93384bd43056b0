// SPDX-License-Identifier: Apache-2.0
// The front end over eight frames at once, for whole corpora. Host only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "frontend/front_end_tables.h"

namespace stapes {

// The features of FrontEnd, bit for bit. Each step does the work of the file in firmware/frontend/
// that has its name, with one frame in each lane of an AVX2 register.
class FrameLanes {
 public:
  static constexpr std::size_t kFrames = 8;

  // Whether this machine has AVX2; if not, nothing below may be called.
  static bool Available();

  // The tables must outlive this object. The energies that PCEN smooths are kept from call to call.
  explicit FrameLanes(const FrontEndTables& tables);
  ~FrameLanes();

  // Frames of tables.window_samples; writes FeatureCount(tables) features of each. A frame follows
  // the frame before it, unless it is the first of a clip.
  void Compute(const int16_t* const frames[kFrames], const bool is_first[kFrames],
               int8_t* const features[kFrames]);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stapes

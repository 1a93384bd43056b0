// SPDX-License-Identifier: Apache-2.0
// The first stage behind a PDM microphone: a fifth-order sinc filter (CIC) that decimates by 16.
//
// Source: E. B. Hogenauer, An economical class of digital filters for decimation and interpolation,
// 1981. The input has one bit, so the filter's 76 taps are not multiplied but looked up, four bits
// at a time, which takes a fraction of the additions of five integrators.
#pragma once

#include <cstdint>

namespace stapes {

class PdmSinc {
 public:
  static constexpr int kOrder = 5;
  static constexpr int kFactor = 16;
  static constexpr int32_t kFullScale = 1 << 20;  // kFactor to the kOrder: what all ones give

  // Takes 16 bits, the earliest in the most significant place. A one stands for 1, a zero for -1;
  // bits before the first call count as 0. The result lies within +-kFullScale.
  int32_t Process(uint16_t bits);
  void Reset() { *this = PdmSinc(); }

 private:
  // What the bits so far add to the next four outputs, which are all they reach.
  int32_t pending_[kOrder - 1] = {};
};

}  // namespace stapes

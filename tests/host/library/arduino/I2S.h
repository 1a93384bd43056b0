// SPDX-License-Identifier: Apache-2.0
// arduino-pico, libraries/I2S/src/I2S.h: the calls of the sketch.
#pragma once

#include <cstdint>

class I2S {
 public:
  explicit I2S(int direction);
  bool setBCLK(int pin);
  bool setDATA(int pin);
  bool setBitsPerSample(int bits);
  bool begin(long rate);
  bool read32(int32_t* left, int32_t* right);
};

// SPDX-License-Identifier: Apache-2.0
// ArduinoCore-mbed, libraries/PDM/src/PDM.h: the calls of the sketch.
#pragma once

#include <cstddef>

class PDMClass {
 public:
  int begin(int channels, int sample_rate);
  int available();
  int read(void* buffer, std::size_t size);
  void onReceive(void (*)(void));
};
extern PDMClass PDM;

// SPDX-License-Identifier: Apache-2.0
// arduino-esp32 3, libraries/ESP_I2S/src/ESP_I2S.h: the calls of the sketch.
#pragma once

#include <cstddef>
#include <cstdint>

enum i2s_mode_t { I2S_MODE_STD };
enum i2s_data_bit_width_t { I2S_DATA_BIT_WIDTH_16BIT = 16, I2S_DATA_BIT_WIDTH_32BIT = 32 };
enum i2s_slot_mode_t { I2S_SLOT_MODE_MONO = 1 };
constexpr int8_t I2S_STD_SLOT_LEFT = 1;

class I2SClass {
 public:
  void setPins(int8_t bclk, int8_t ws, int8_t dout, int8_t din = -1, int8_t mclk = -1);
  bool begin(i2s_mode_t mode, uint32_t rate, i2s_data_bit_width_t bits, i2s_slot_mode_t slots,
             int8_t slot_mask = -1);
  std::size_t readBytes(char* buffer, std::size_t size);
};

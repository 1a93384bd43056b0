// SPDX-License-Identifier: Apache-2.0
// The microphone: PDM with EasyDMA, 16 kHz, left channel. Gives board::AudioStart and
// board::AudioRead. Source: nRF52840 Product Specification v1.1, 6.15.
#pragma once

#include <cstdint>

#include "boards/chips/nrf52840/gpio.h"

namespace stapes {
namespace nrf52840 {

constexpr uint32_t kPdmInterrupt = 29;

struct Microphone {
  Pin clock;
  Pin data;
  Pin power;
  bool has_power_pin;
};

// What the board has; called before board::AudioStart.
void UseMicrophone(const Microphone& microphone);
void OnPdm();  // the interrupt

}  // namespace nrf52840
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// A PDM microphone by a state machine of PIO0, which makes its clock and takes its bits, and two
// DMA channels in turn. Gives board::AudioStart and board::AudioRead. Source: RP2040 Datasheet, 3.4
// to 3.7 (PIO), 2.5 (DMA).
#pragma once

#include <cstdint>

#include "boards/chips/rp2/gpio.h"

namespace stapes {
namespace rp2 {

// Before board::AudioStart.
void UseMicrophone(Pin clock, Pin data);
void OnDma();  // the interrupt
uint32_t LostSamples();

}  // namespace rp2
}  // namespace stapes

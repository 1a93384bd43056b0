// SPDX-License-Identifier: Apache-2.0
// A PDM microphone on I2S2: its clock is that of the I2S (PB10), its bits are received as if they
// were words (PC3) by DMA1, stream 3. Gives board::AudioStart and board::AudioRead. Source: RM0090,
// 28.4 (I2S), 10.3 and 10.5 (DMA); ST, AN3998 (PDM by I2S).
#pragma once

#include <cstdint>

namespace stapes {
namespace stm32f407 {

constexpr uint32_t kPdmInterrupt = 14;  // DMA1 stream 3

// Says whether the clocks come from the crystal: without it the I2S has no clock. Call it before
// board::AudioStart.
void AllowMicrophone(bool from_crystal);
void OnPdm();  // the interrupt
uint32_t LostSamples();

}  // namespace stm32f407
}  // namespace stapes

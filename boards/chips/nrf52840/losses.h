// SPDX-License-Identifier: Apache-2.0
// What the drivers lost, for board::Lost.
#pragma once

#include <cstdint>

namespace stapes {
namespace nrf52840 {

uint32_t LostBytes();    // uarte.cc
uint32_t LostSamples();  // pdm.cc

}  // namespace nrf52840
}  // namespace stapes

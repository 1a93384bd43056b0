// SPDX-License-Identifier: Apache-2.0
// The fine clock of Arm's FPGA boards: board::Ticks and board::kTicksPerSecond come with it.
#pragma once

namespace stapes {
namespace cmsdk {

void StartFineClock();

}  // namespace cmsdk
}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// InterruptsOff for programs on any board: holds all interrupts back while it lives, may be nested.
#pragma once

#ifdef __riscv
#include "boards/common/riscv/startup.h"
#else
#include "boards/common/cortex_m/startup.h"
#endif

namespace stapes {

#ifdef __riscv
using riscv::InterruptsOff;
#else
using cortex_m::InterruptsOff;
#endif

}  // namespace stapes

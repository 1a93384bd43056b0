// SPDX-License-Identifier: Apache-2.0
// How a board ends: it starts again. An emulator may end instead (QEMU: -no-reboot).
#include "boards/board.h"
#include "boards/common/riscv/startup.h"

void stapes::board::Exit(int) { riscv::Reset(); }

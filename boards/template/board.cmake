# SPDX-License-Identifier: Apache-2.0
# FILL IN: the board's name, its chip, its processor, its clock. This folder is the start of a port: copy
# it, then replace what stands after each FILL IN. docs/porting.md explains every variable.

# FILL IN, only if the folder is outside of boards/: the path to that file in Stapes' source tree.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)

# FILL IN: the processor. One text in quotes; -mfloat-abi=hard only for one with Helium.
set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")

# FILL IN: where the image goes (behind a boot loader: where that jumps to), and how much room is there.
set(STAPES_FLASH_START 0x00000000)
set(STAPES_FLASH_BYTES 524288)

# FILL IN: one piece of memory that is there after reset.
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 131072)

# How much of the RAM is for the stack; `stapes replay --json` shows how much of it was used.
set(STAPES_STACK_BYTES 2048)

# FILL IN: the sources of the board, in this folder or under boards/. If another board has the same
# chip, use its drivers: chips/<chip>/.
set(STAPES_BOARD_SOURCES board.cc common/cortex_m/systick.cc common/main.cc
    common/cortex_m/reset_at_exit.cc)

# FILL IN: what the table of docs/boards.md says.
set(STAPES_PROCESSOR "Cortex-M4, 64 MHz")
set(STAPES_MICROPHONE "none")

# FILL IN: how `stapes flash` reaches the board (pyocd, bossac or uf2), and what to connect or press.
set(STAPES_FLASHER pyocd)
set(STAPES_PYOCD_TARGET cortex_m)
set(STAPES_FLASH_PRESS "connect the debugger")

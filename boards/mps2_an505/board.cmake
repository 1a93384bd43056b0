# SPDX-License-Identifier: Apache-2.0
# Arm MPS2 with application note 505: Cortex-M33 (SSE-200), 20 MHz. Emulated by qemu-system-arm.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M33, 20 MHz")
set(STAPES_MICROPHONE "none")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m33 -mfloat-abi=soft")
set(STAPES_QEMU_MACHINE mps2-an505)
set(STAPES_QEMU_RAM_START 0x80000000)
set(STAPES_QEMU_RAM_BYTES 16777216)
set(STAPES_FLASH_START 0x10000000)
set(STAPES_FLASH_BYTES 4194304)
set(STAPES_RAM_START 0x38000000)
set(STAPES_RAM_BYTES 4194304)
set(STAPES_STACK_BYTES 2048)
set(STAPES_BOARD_SOURCES chips/cmsdk/board.cc chips/cmsdk/uart.cc chips/cmsdk/fine_clock.cc common/cortex_m/systick.cc
    common/memory_link.cc common/main.cc common/cortex_m/reset_at_exit.cc)

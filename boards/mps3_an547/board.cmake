# SPDX-License-Identifier: Apache-2.0
# Arm MPS3 with application note 547: Cortex-M55 with Helium (Corstone SSE-300), 32 MHz. Emulated by
# qemu-system-arm.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M55 (Helium), 32 MHz")
set(STAPES_MICROPHONE "none")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m55 -mfloat-abi=hard")
set(STAPES_QEMU_MACHINE mps3-an547)
set(STAPES_QEMU_RAM_START 0x60000000)
set(STAPES_QEMU_RAM_BYTES 2147483648)
set(STAPES_FLASH_START 0x00000000)
set(STAPES_FLASH_BYTES 524288)
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 524288)
set(STAPES_STACK_BYTES 3072)
set(STAPES_BOARD_SOURCES chips/cmsdk/board.cc chips/cmsdk/uart.cc mps3_an547/fine_clock.cc common/cortex_m/systick.cc
    common/memory_link.cc common/main.cc common/cortex_m/reset_at_exit.cc)

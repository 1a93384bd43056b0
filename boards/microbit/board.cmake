# SPDX-License-Identifier: Apache-2.0
# BBC micro:bit: nRF51822, a Cortex-M0 at 16 MHz. Emulated by qemu-system-arm.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M0, 16 MHz")
set(STAPES_MICROPHONE "none")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m0 -mfloat-abi=soft")
set(STAPES_QEMU_MACHINE microbit)
set(STAPES_FLASH_START 0x00000000)
set(STAPES_FLASH_BYTES 262144)
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 16384)
set(STAPES_STACK_BYTES 2048)
set(STAPES_BOARD_SOURCES chips/nrf51/board.cc chips/nrf51/clocks.cc chips/nrf51/uart.cc
    common/main.cc common/cortex_m/reset_at_exit.cc)

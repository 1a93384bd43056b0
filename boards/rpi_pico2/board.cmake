# SPDX-License-Identifier: Apache-2.0
# Raspberry Pi Pico 2 (RP2350): two Cortex-M33, of which one works here, 128 MHz.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M33, 128 MHz")
set(STAPES_MICROPHONE "PDM, external")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m33 -mfloat-abi=soft")
set(STAPES_FLASH_START 0x10000000)
set(STAPES_FLASH_BYTES 4194304)
# Another 8 KB behind it are two small banks.
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 524288)
set(STAPES_STACK_BYTES 3072)
set(STAPES_UF2_FAMILY 0xe48bff59)
set(STAPES_BOARD_SOURCES chips/rp2350/image_definition.cc chips/rp2/board.cc chips/rp2/clock.cc chips/rp2/gpio.cc
    chips/rp2/uart.cc chips/rp2/pdm.cc common/cortex_m/systick.cc common/main.cc common/cortex_m/reset_at_exit.cc)
set(STAPES_FLASHER uf2)
set(STAPES_UF2_BOARD_ID RP2350)
set(STAPES_FLASH_PRESS "hold BOOTSEL while you connect USB: a drive named RP2350 appears")

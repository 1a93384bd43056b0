# SPDX-License-Identifier: Apache-2.0
# Raspberry Pi Pico (RP2040): two Cortex-M0+, of which one works here, 128 MHz.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M0+, 128 MHz")
set(STAPES_MICROPHONE "PDM, external")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m0plus -mfloat-abi=soft")
set(STAPES_FLASH_START 0x10000000)
set(STAPES_FLASH_BYTES 2097152)
# A line that is not in the cache (datasheet, 2.6.3): 8 + 4 + 16 clocks of quad reads, boot2.cc.
set(STAPES_FLASH_WAIT_STATES 56)
set(STAPES_FLASH_LINE_BYTES 8)
set(STAPES_FLASH_CACHE_BYTES 16384)
# The last 8 KB are the two small banks, where the boot ROM puts the second stage.
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 262144)
set(STAPES_STACK_BYTES 3072)
set(STAPES_BOOT_CHECKSUM ON)
set(STAPES_UF2_FAMILY 0xe48bff56)
set(STAPES_BOARD_SOURCES chips/rp2040/boot2.cc chips/rp2/board.cc chips/rp2/clock.cc chips/rp2/gpio.cc chips/rp2/uart.cc
    chips/rp2/pdm.cc common/cortex_m/systick.cc common/main.cc common/cortex_m/reset_at_exit.cc)
set(STAPES_FLASHER uf2)
set(STAPES_UF2_BOARD_ID RPI-RP2)
set(STAPES_FLASH_PRESS "hold BOOTSEL while you connect USB: a drive named RPI-RP2 appears")

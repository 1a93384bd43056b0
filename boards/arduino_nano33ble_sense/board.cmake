# SPDX-License-Identifier: Apache-2.0
# Arduino Nano 33 BLE Sense: nRF52840, Cortex-M4F, 64 MHz, with a PDM microphone.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M4F, 64 MHz")
set(STAPES_MICROPHONE "PDM, on board")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")
# The first 64 KB belong to the boot loader.
set(STAPES_FLASH_START 0x00010000)
set(STAPES_FLASH_BYTES 983040)
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 262144)
set(STAPES_STACK_BYTES 3072)
set(STAPES_BOARD_SOURCES chips/nrf52840/board.cc chips/nrf52840/clock.cc chips/nrf52840/uarte.cc chips/nrf52840/pdm.cc
    chips/nrf52840/watchdog.cc common/main.cc common/cortex_m/reset_at_exit.cc)
set(STAPES_MODEL_FLASH chips/nrf52840/model_flash.cc)
set(STAPES_MODEL_FLASH_BYTES 262144)
set(STAPES_FLASHER bossac)
set(STAPES_FLASH_PRESS "press the reset button twice, quickly: the yellow LED fades in and out")

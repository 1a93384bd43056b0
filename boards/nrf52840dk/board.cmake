# SPDX-License-Identifier: Apache-2.0
# Nordic nRF52840 DK (PCA10056): Cortex-M4F, 64 MHz.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M4F, 64 MHz")
set(STAPES_MICROPHONE "PDM, external")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")
set(STAPES_FLASH_START 0x00000000)
set(STAPES_FLASH_BYTES 1048576)
# The chip asleep with its crystal and TIMER1 on, as this firmware leaves it.
set(STAPES_SLEEP_UA 823)
set(STAPES_CURRENT_SOURCE "nRF52840 Product Specification, Current consumption, TIMER running, ITIMER4")
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 262144)
set(STAPES_STACK_BYTES 3072)
set(STAPES_BOARD_SOURCES chips/nrf52840/board.cc chips/nrf52840/clock.cc chips/nrf52840/uarte.cc chips/nrf52840/pdm.cc
    chips/nrf52840/watchdog.cc common/main.cc common/cortex_m/reset_at_exit.cc)
set(STAPES_MODEL_FLASH chips/nrf52840/model_flash.cc)
set(STAPES_MODEL_FLASH_BYTES 262144)
set(STAPES_FLASHER pyocd)
set(STAPES_PYOCD_TARGET nrf52840)
set(STAPES_FLASH_PRESS "connect the USB port next to the debugger, J2, and switch the board on")

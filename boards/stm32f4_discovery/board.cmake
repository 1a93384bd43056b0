# SPDX-License-Identifier: Apache-2.0
# ST STM32F4 Discovery (STM32F407VG): Cortex-M4F, 168 MHz, with a PDM microphone.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/cortex_m/arm-none-eabi.cmake)
set(STAPES_PROCESSOR "Cortex-M4F, 168 MHz")
set(STAPES_MICROPHONE "PDM, on board")
set(STAPES_CPU_FLAGS "-mcpu=cortex-m4 -mfloat-abi=soft")
set(STAPES_FLASH_START 0x08000000)
set(STAPES_FLASH_BYTES 1048576)
# RM0090, 3.5.1 and 3.5.2: 64 lines of code and 8 of data are kept, prefetch not counted.
set(STAPES_FLASH_WAIT_STATES 5)
set(STAPES_FLASH_LINE_BYTES 16)
set(STAPES_FLASH_CACHE_BYTES 1152)
# Of the 192 KB of RAM, the 64 KB that only the processor reaches are left alone.
set(STAPES_RAM_START 0x20000000)
set(STAPES_RAM_BYTES 131072)
set(STAPES_STACK_BYTES 3072)
set(STAPES_BOARD_SOURCES chips/stm32f407/board.cc chips/stm32f407/clock.cc chips/stm32f407/usart.cc chips/stm32f407/pdm.cc
    common/cortex_m/systick.cc common/main.cc common/cortex_m/reset_at_exit.cc)
set(STAPES_FLASHER pyocd)
set(STAPES_PYOCD_TARGET stm32f407vg)
set(STAPES_PYOCD_PACK stm32f407vg)
set(STAPES_FLASH_PRESS "connect the debugger's USB port, CN1")

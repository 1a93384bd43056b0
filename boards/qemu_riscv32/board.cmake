# SPDX-License-Identifier: Apache-2.0
# QEMU's RISC-V machine `virt` with a 32-bit processor as ESP32-C3 and its like have it: rv32imac,
# without floating point. The image lies at the start of its RAM, where the processor starts.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/../common/riscv/riscv64-unknown-elf.cmake)
set(STAPES_COMPILER riscv64-unknown-elf-g++)
set(STAPES_PROCESSOR "RISC-V rv32imac")
set(STAPES_MICROPHONE "none")
set(STAPES_CPU_FLAGS "-march=rv32imac -mabi=ilp32 -misa-spec=2.2")
set(STAPES_QEMU qemu-system-riscv32)
set(STAPES_QEMU_MACHINE virt)
set(STAPES_QEMU_OPTIONS "-bios none -cpu rv32,f=false,d=false")
set(STAPES_QEMU_RAM_START 0x80000000)
set(STAPES_QEMU_RAM_BYTES 134217728)
set(STAPES_FLASH_START 0x80000000)
set(STAPES_FLASH_BYTES 4194304)
set(STAPES_RAM_START 0x80400000)
set(STAPES_RAM_BYTES 4194304)
set(STAPES_STACK_BYTES 2048)
set(STAPES_BOARD_SOURCES chips/riscv_virt/board.cc chips/riscv_virt/clock.cc chips/riscv_virt/uart.cc
    common/memory_link.cc common/main.cc common/riscv/reset_at_exit.cc)

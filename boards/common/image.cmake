# SPDX-License-Identifier: Apache-2.0
# What makes an image of `stapes-firmware` on any board: the board's sources
# (STAPES_BOARD_SOURCES), start-up code, memory map, size table, .bin, .hex, and .uf2 where
# the board's boot loader takes it (STAPES_UF2_FAMILY). The toolchain file sets STAPES_CORE_DIR, where
# the start-up code of its processors is, and STAPES_TOOLS, what the names of its tools begin with.
set(common ${CMAKE_CURRENT_LIST_DIR})
set(image $<TARGET_FILE_DIR:stapes-firmware>/stapes-firmware)
foreach(path ${STAPES_BOARD_SOURCES})
  find_board_source(${path} file)
  target_sources(stapes-firmware PRIVATE ${file})
endforeach()
target_sources(stapes-firmware PRIVATE ${STAPES_CORE_DIR}/startup.cc ${STAPES_CORE_DIR}/fault.cc
               ${common}/fault_record.cc ${common}/memory_at_start.cc)
target_include_directories(stapes-firmware PRIVATE ${STAPES_BOARD_DIR})
if(STAPES_QEMU_RAM_START)  # the end of it: boards/common/memory_link.h
  math(EXPR memory_link "${STAPES_QEMU_RAM_START} + ${STAPES_QEMU_RAM_BYTES} - 65536" OUTPUT_FORMAT HEXADECIMAL)
  target_compile_definitions(stapes-firmware PRIVATE STAPES_MEMORY_LINK=${memory_link})
endif()
set_target_properties(stapes-firmware PROPERTIES SUFFIX .elf)
target_link_options(stapes-firmware PRIVATE
  -nostartfiles -T${common}/image.ld
  -Wl,--gc-sections -Wl,--fatal-warnings -Wl,-Map=$<TARGET_FILE:stapes-firmware>.map
  -Wl,--defsym=stapes_flash_start=${STAPES_FLASH_START}
  -Wl,--defsym=stapes_ram_start=${STAPES_RAM_START}
  -Wl,--defsym=stapes_ram_bytes=${STAPES_RAM_BYTES}
  -Wl,--defsym=stapes_stack_bytes=${STAPES_STACK_BYTES}
  # Any use of the heap ends here, as an undefined reference.
  -Wl,--wrap=malloc -Wl,--wrap=_malloc_r -Wl,--wrap=_sbrk_r)
set_target_properties(stapes-firmware PROPERTIES LINK_DEPENDS ${common}/image.ld)
if(STAPES_BOOT_CHECKSUM OR STAPES_UF2_FAMILY)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(python ${CMAKE_COMMAND} -E env PYTHONPATH=${common}/../../host ${Python3_EXECUTABLE})
endif()
if(STAPES_BOOT_CHECKSUM)
  add_custom_command(TARGET stapes-firmware POST_BUILD VERBATIM
    COMMAND ${python} -m stapes.firmware.boot_checksum $<TARGET_FILE:stapes-firmware>)
endif()
add_custom_command(TARGET stapes-firmware POST_BUILD VERBATIM
  COMMAND ${CMAKE_COMMAND} -DELF=$<TARGET_FILE:stapes-firmware> -DSIZE=${STAPES_TOOLS}-size
          -DBOARD=${STAPES_BOARD_NAME}
          -DFLASH_START=${STAPES_FLASH_START} -DFLASH_BYTES=${STAPES_FLASH_BYTES}
          -DRAM_START=${STAPES_RAM_START} -DRAM_BYTES=${STAPES_RAM_BYTES}
          -P ${common}/size_table.cmake
  COMMAND ${STAPES_TOOLS}-objcopy -O binary $<TARGET_FILE:stapes-firmware> ${image}.bin
  COMMAND ${STAPES_TOOLS}-objcopy -O ihex $<TARGET_FILE:stapes-firmware> ${image}.hex)
if(STAPES_UF2_FAMILY)
  add_custom_command(TARGET stapes-firmware POST_BUILD VERBATIM
    COMMAND ${python} -m stapes.firmware.uf2 ${image}.bin ${image}.uf2
            --family ${STAPES_UF2_FAMILY} --address ${STAPES_FLASH_START})
endif()

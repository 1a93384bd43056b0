# What makes an image of `stapes-firmware` on any Cortex-M: start-up code, memory map, size table.
set(cortex_m ${CMAKE_CURRENT_LIST_DIR})
target_sources(stapes-firmware PRIVATE ${cortex_m}/startup.cc ${cortex_m}/main.cc)
set_target_properties(stapes-firmware PROPERTIES SUFFIX .elf)
target_link_options(stapes-firmware PRIVATE
  -nostartfiles -T${cortex_m}/image.ld
  -Wl,--gc-sections -Wl,--fatal-warnings -Wl,-Map=$<TARGET_FILE:stapes-firmware>.map
  -Wl,--defsym=stapes_flash_start=${STAPES_FLASH_START}
  -Wl,--defsym=stapes_flash_bytes=${STAPES_FLASH_BYTES}
  -Wl,--defsym=stapes_ram_start=${STAPES_RAM_START}
  -Wl,--defsym=stapes_ram_bytes=${STAPES_RAM_BYTES}
  -Wl,--defsym=stapes_stack_bytes=${STAPES_STACK_BYTES}
  # Any use of the heap ends here, as an undefined reference.
  -Wl,--wrap=malloc -Wl,--wrap=_malloc_r -Wl,--wrap=_sbrk_r)
set_target_properties(stapes-firmware PROPERTIES LINK_DEPENDS ${cortex_m}/image.ld)
add_custom_command(TARGET stapes-firmware POST_BUILD VERBATIM
  COMMAND ${CMAKE_COMMAND} -DELF=$<TARGET_FILE:stapes-firmware> -DSIZE=arm-none-eabi-size
          -DFLASH_BYTES=${STAPES_FLASH_BYTES} -DRAM_BYTES=${STAPES_RAM_BYTES}
          -P ${cortex_m}/size_table.cmake)

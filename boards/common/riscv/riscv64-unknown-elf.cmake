# SPDX-License-Identifier: Apache-2.0
# GCC for RISC-V without an operating system. The board's board.cmake sets STAPES_CPU_FLAGS.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv)
set(STAPES_CORE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(STAPES_TOOLS riscv64-unknown-elf)
set(CMAKE_C_COMPILER ${STAPES_TOOLS}-gcc)
set(CMAKE_CXX_COMPILER ${STAPES_TOOLS}-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES STAPES_CPU_FLAGS)

# Where a compiler finds the headers of the C++ library.
function(find_cxx_headers compiler result)
  execute_process(COMMAND ${compiler} -E -v -x c++ - INPUT_FILE /dev/null
                  OUTPUT_QUIET ERROR_VARIABLE said)
  string(REGEX MATCHALL "\n /[^\n]*/c[+][+]/[^\n]*" folders "${said}")
  list(TRANSFORM folders STRIP)
  set(${result} "${folders}" PARENT_SCOPE)
endfunction()

# Debian's compiler brings no such headers. Then those of its Arm compiler, the same release of GCC,
# are used: what Stapes needs of them does not depend on the processor.
set(borrowed "")
find_cxx_headers(${CMAKE_CXX_COMPILER} own_headers)
if(NOT own_headers)
  find_cxx_headers(arm-none-eabi-g++ arm_headers)
  if(NOT arm_headers)
    message(FATAL_ERROR "${CMAKE_CXX_COMPILER}: found no headers of the C++ library, with it or with "
                        "arm-none-eabi-g++; run: apt-get install libstdc++-arm-none-eabi-newlib")
  endif()
  foreach(folder ${arm_headers})
    file(REAL_PATH ${folder} folder)
    string(APPEND borrowed " -isystem ${folder}")
  endforeach()
endif()

# The same as for Cortex-M (arm-none-eabi.cmake). No data beside a global pointer, which nobody sets.
set(flags "${STAPES_CPU_FLAGS} --specs=picolibc.specs -msmall-data-limit=0 -fno-move-loop-stores -fno-common -g")
set(CMAKE_C_FLAGS_INIT "${flags}")
set(CMAKE_CXX_FLAGS_INIT "${flags}${borrowed} -fno-threadsafe-statics -fno-unwind-tables -fno-asynchronous-unwind-tables")
# Debian's compiler brings no C++ library either; Stapes links nothing of it.
set(CMAKE_EXE_LINKER_FLAGS_INIT -nodefaultlibs)
set(CMAKE_CXX_STANDARD_LIBRARIES "-lc -lgcc")
set(CMAKE_C_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "")

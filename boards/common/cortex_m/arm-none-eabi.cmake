# SPDX-License-Identifier: Apache-2.0
# GCC for Cortex-M without an operating system. The board's board.cmake sets STAPES_CPU_FLAGS.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(STAPES_CORE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(STAPES_TOOLS arm-none-eabi)
set(CMAKE_C_COMPILER ${STAPES_TOOLS}-gcc)
set(CMAKE_CXX_COMPILER ${STAPES_TOOLS}-g++)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES STAPES_CPU_FLAGS)
# -fno-move-loop-stores: GCC 12 may repeat the last volatile store of a loop, which sends a byte
# twice. No thread-safe statics: there is one thread.
set(flags "${STAPES_CPU_FLAGS} -mthumb -fno-move-loop-stores -fno-common -g")
set(CMAKE_C_FLAGS_INIT "${flags}")
set(CMAKE_CXX_FLAGS_INIT "${flags} -fno-threadsafe-statics -fno-unwind-tables")
set(CMAKE_C_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELEASE "-Os -DNDEBUG" CACHE STRING "")

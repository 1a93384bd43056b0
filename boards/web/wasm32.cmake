# SPDX-License-Identifier: Apache-2.0
# Debian's clang, lld and wasi-libc. The module takes only memcpy and similar functions of the
# library.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang)
set(CMAKE_CXX_COMPILER clang++)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES STAPES_CPU_FLAGS)
set(CMAKE_C_FLAGS_INIT "${STAPES_CPU_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${STAPES_CPU_FLAGS} -fno-threadsafe-statics")
# A page is loaded over a network: -Oz is 8% smaller than -Os, and 5% slower.
set(CMAKE_C_FLAGS_RELEASE "-Oz -DNDEBUG" CACHE STRING "")
set(CMAKE_CXX_FLAGS_RELEASE "-Oz -DNDEBUG" CACHE STRING "")

# SPDX-License-Identifier: Apache-2.0
# Puts the page's module into the Python package where this machine has what compiles it (Debian:
# clang lld wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32).
set(STAPES_WASM_MODULES "" CACHE PATH "Folder with stapes_simd.wasm and stapes_plain.wasm, built elsewhere")
if(STAPES_WASM_MODULES)
  install(FILES ${STAPES_WASM_MODULES}/stapes_simd.wasm ${STAPES_WASM_MODULES}/stapes_plain.wasm
          DESTINATION stapes/page/wasm COMPONENT python)
  return()
endif()
include(ExternalProject)

find_program(STAPES_WASM_COMPILER clang++)
find_program(STAPES_WASM_LINKER NAMES wasm-ld wasm-ld-14)
if(STAPES_WASM_COMPILER AND STAPES_WASM_LINKER)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/wasm_probe.cc "#include <cstring>\n#include <new>\n")
  execute_process(
    COMMAND ${STAPES_WASM_COMPILER} --target=wasm32-wasi -nostartfiles -Wl,--no-entry
            ${CMAKE_CURRENT_BINARY_DIR}/wasm_probe.cc -o ${CMAKE_CURRENT_BINARY_DIR}/wasm_probe.wasm
    RESULT_VARIABLE probe OUTPUT_QUIET ERROR_QUIET)
endif()
if(NOT "${probe}" STREQUAL "0")
  message(STATUS "No clang for wasm32-wasi: the package gets no stapes.wasm, and `stapes page` will say so")
  return()
endif()

# The plain one is for browsers without 128-bit vectors.
foreach(variant simd plain)
  set(build ${CMAKE_CURRENT_BINARY_DIR}/wasm_${variant})
  ExternalProject_Add(stapes_wasm_${variant}
    SOURCE_DIR ${PROJECT_SOURCE_DIR}
    BINARY_DIR ${build}
    CMAKE_ARGS -DSTAPES_BOARD=web -DSTAPES_WASM_SIMD=$<STREQUAL:${variant},simd>
    BUILD_ALWAYS ON
    BUILD_BYPRODUCTS ${build}/boards/stapes.wasm
    INSTALL_COMMAND "")
  add_dependencies(_native stapes_wasm_${variant})
  install(FILES ${build}/boards/stapes.wasm RENAME stapes_${variant}.wasm
          DESTINATION stapes/page/wasm COMPONENT python)
endforeach()

# SPDX-License-Identifier: Apache-2.0
# A web page: the firmware as a WebAssembly module, which takes its model at run time.
set(CMAKE_TOOLCHAIN_FILE ${CMAKE_CURRENT_LIST_DIR}/wasm32.cmake)
option(STAPES_WASM_SIMD "Kernels with 128-bit vectors; without: for browsers that lack them" ON)
set(STAPES_CPU_FLAGS "")
if(STAPES_WASM_SIMD)
  set(STAPES_CPU_FLAGS "-msimd128")
endif()
set(STAPES_BOARD_SOURCES web/module.cc web/page_model.cc)

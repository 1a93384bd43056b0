# SPDX-License-Identifier: Apache-2.0
# stapes.wasm: what the page's firmware.js loads. No start function, no imports.
add_executable(stapes-wasm ${STAPES_BOARD_SOURCES})
set_target_properties(stapes-wasm PROPERTIES OUTPUT_NAME stapes SUFFIX .wasm)
target_include_directories(stapes-wasm PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(stapes-wasm PRIVATE stapes_firmware stapes_flags)
# 64 KB of stack, below all data: an overflow traps instead of writing over it.
target_link_options(stapes-wasm PRIVATE -nostartfiles -Wl,--no-entry -Wl,--gc-sections
                    -Wl,--strip-all -Wl,--stack-first -Wl,-z,stack-size=65536)

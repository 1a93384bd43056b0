# SPDX-License-Identifier: Apache-2.0
# Finds the folder of STAPES_BOARD, reads its board.cmake and checks what that says.
# Sets STAPES_BOARD_DIR and STAPES_BOARD_NAME.
get_filename_component(boards_dir ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
set(STAPES_BOARD_DIR ${boards_dir}/${STAPES_BOARD})
if(NOT EXISTS ${STAPES_BOARD_DIR}/board.cmake)
  get_filename_component(STAPES_BOARD_DIR ${STAPES_BOARD} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
endif()
if(NOT EXISTS ${STAPES_BOARD_DIR}/board.cmake)
  message(FATAL_ERROR "STAPES_BOARD=${STAPES_BOARD}: no board.cmake in boards/${STAPES_BOARD} or in "
                      "${STAPES_BOARD_DIR}; choose one of the folders under boards/, or copy "
                      "boards/template to start one (docs/porting.md)")
endif()
get_filename_component(STAPES_BOARD_NAME ${STAPES_BOARD_DIR} NAME)
include(${STAPES_BOARD_DIR}/board.cmake)

# A source of the board: a path in its folder, or one under boards/.
function(find_board_source path result)
  set(${result} ${STAPES_BOARD_DIR}/${path} PARENT_SCOPE)
  if(NOT EXISTS ${STAPES_BOARD_DIR}/${path})
    set(${result} ${boards_dir}/${path} PARENT_SCOPE)
  endif()
endfunction()

if(STAPES_BOARD MATCHES "^(host|web)$")
  return()  # no microcontrollers: their own files say what they need
endif()

# What every other board must say, and what for.
set(needed
  CMAKE_TOOLCHAIN_FILE "the compiler: boards/common/cortex_m/arm-none-eabi.cmake"
  STAPES_CPU_FLAGS "the processor, such as \"-mcpu=cortex-m4 -mfloat-abi=soft\""
  STAPES_FLASH_START "the address at which the image starts"
  STAPES_FLASH_BYTES "how much room there is for the image"
  STAPES_RAM_START "the address of the memory that is there after reset"
  STAPES_RAM_BYTES "how much of that memory there is"
  STAPES_STACK_BYTES "how much of it is for the stack, such as 2048"
  STAPES_BOARD_SOURCES "the sources of the calls of boards/board.h, in this folder or under boards/"
)
set(wrong "")
while(needed)
  list(POP_FRONT needed name purpose)
  if("${${name}}" STREQUAL "")
    string(APPEND wrong "\n  ${name} is missing: ${purpose}")
  elseif(name MATCHES "_(START|BYTES)$" AND NOT ${name} MATCHES "^(0x[0-9a-fA-F]+|[0-9]+)$")
    string(APPEND wrong "\n  ${name} is ${${name}}, expected a number: ${purpose}")
  endif()
endwhile()
if(STAPES_CPU_FLAGS MATCHES ";")
  string(REPLACE ";" " " as_text "${STAPES_CPU_FLAGS}")
  string(APPEND wrong "\n  STAPES_CPU_FLAGS is a list, expected one text in quotes: "
                      "set(STAPES_CPU_FLAGS \"${as_text}\")")
endif()
foreach(path ${STAPES_BOARD_SOURCES} ${STAPES_MODEL_FLASH})
  find_board_source(${path} file)
  if(NOT EXISTS ${file})
    string(APPEND wrong "\n  ${path}: no such source in this folder or under boards/")
  endif()
endforeach()
if(wrong)
  message(FATAL_ERROR "${STAPES_BOARD_DIR}/board.cmake:${wrong}\n"
                      "docs/porting.md explains all variables; boards/template has them.")
endif()

# SPDX-License-Identifier: Apache-2.0
# Upstream TensorFlow Lite Micro as a library that somebody has built: the target TFLM::TFLM.
#
#   TFLM_LIBRARY       libtensorflow-microlite.a
#   TFLM_INCLUDE_DIRS  upstream's root and the folders of the headers that it downloads
#
# Variables that are empty are looked for in the submodule tflm/, where upstream's own build leaves
# the files.
set(TFLM_LIBRARY "" CACHE FILEPATH "libtensorflow-microlite.a (empty: look into tflm/gen)")
set(TFLM_INCLUDE_DIRS "" CACHE STRING "Folders of TFLM's headers (empty: those of tflm/)")

set(tflm_root ${PROJECT_SOURCE_DIR}/tflm)
string(CONCAT tflm_help
  "Check tflm/ out (git submodule update --init --checkout tflm), build it as docs/engines.md says, "
  "or give both paths: -DTFLM_LIBRARY=.../libtensorflow-microlite.a "
  "-DTFLM_INCLUDE_DIRS=\"ROOT\;FLATBUFFERS\;GEMMLOWP\;RUY\".")

# The beginning of the name of the folder under gen/ that upstream's build for this machine fills.
if(CMAKE_CROSSCOMPILING)
  string(REGEX MATCH "-mcpu=([^ ]+)" ignored "${STAPES_CPU_FLAGS}")
  set(tflm_target cortex_m_generic_${CMAKE_MATCH_1})
else()
  string(TOLOWER ${CMAKE_HOST_SYSTEM_NAME}_${CMAKE_HOST_SYSTEM_PROCESSOR} tflm_target)
endif()

set(tflm_library "${TFLM_LIBRARY}")
if(NOT tflm_library)
  file(GLOB tflm_found ${tflm_root}/gen/${tflm_target}[_+]*/lib/libtensorflow-microlite.a)
  list(LENGTH tflm_found tflm_count)
  if(tflm_count GREATER 1)
    list(JOIN tflm_found "\n  " tflm_found)
    message(FATAL_ERROR "STAPES_ENGINE=tflm: found several libraries; choose one with "
                        "-DTFLM_LIBRARY=\n  ${tflm_found}")
  endif()
  set(tflm_library "${tflm_found}")
endif()
if(NOT EXISTS "${tflm_library}")
  set(tflm_looked "${TFLM_LIBRARY}")
  if(NOT tflm_looked)
    set(tflm_looked "${tflm_root}/gen/${tflm_target}*/lib/libtensorflow-microlite.a")
  endif()
  message(FATAL_ERROR "STAPES_ENGINE=tflm: no library ${tflm_looked}. ${tflm_help}")
endif()

set(tflm_include_dirs ${TFLM_INCLUDE_DIRS})
if(NOT tflm_include_dirs)
  set(tflm_downloads ${tflm_root}/tensorflow/lite/micro/tools/make/downloads)
  set(tflm_include_dirs ${tflm_root} ${tflm_downloads}/flatbuffers/include
                        ${tflm_downloads}/gemmlowp ${tflm_downloads}/ruy)
endif()
foreach(header tensorflow/lite/micro/micro_interpreter.h flatbuffers/flatbuffers.h
               fixedpoint/fixedpoint.h ruy/profiler/instrumentation.h)
  find_file(tflm_header ${header} PATHS ${tflm_include_dirs} NO_CACHE NO_DEFAULT_PATH
            NO_CMAKE_FIND_ROOT_PATH)
  if(NOT tflm_header)
    list(JOIN tflm_include_dirs "\n  " tflm_looked)
    message(FATAL_ERROR "STAPES_ENGINE=tflm: no header ${header} in any of\n  ${tflm_looked}\n"
                        "${tflm_help}")
  endif()
  unset(tflm_header)
endforeach()

# Upstream's headers declare other kernels where the library holds those of CMSIS-NN.
file(STRINGS ${tflm_library} tflm_cmsis_nn REGEX arm_svdf_s8 LIMIT_COUNT 1)

add_library(TFLM::TFLM STATIC IMPORTED GLOBAL)
set_target_properties(TFLM::TFLM PROPERTIES
  IMPORTED_LOCATION ${tflm_library}
  INTERFACE_INCLUDE_DIRECTORIES "${tflm_include_dirs}"
  INTERFACE_COMPILE_DEFINITIONS "TF_LITE_STATIC_MEMORY;$<$<BOOL:${tflm_cmsis_nn}>:CMSIS_NN>"
  INTERFACE_LINK_LIBRARIES m)
message(STATUS "Engine: TFLM, ${tflm_library}")

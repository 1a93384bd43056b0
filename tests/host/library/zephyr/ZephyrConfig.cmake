# SPDX-License-Identifier: Apache-2.0
# What find_package(Zephyr) does with modules, in short.
foreach(module IN LISTS EXTRA_ZEPHYR_MODULES)
  add_subdirectory(${module} ${CMAKE_BINARY_DIR}/module)
endforeach()
target_link_libraries(app PRIVATE stapes_keyword_spotter)

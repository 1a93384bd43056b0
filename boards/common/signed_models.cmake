# SPDX-License-Identifier: Apache-2.0
# A firmware that takes only models that the owner of a key has signed: -DSTAPES_PUBLIC_KEY=NAME.pub
# (`stapes keys` writes it) and -DSTAPES_ED25519_DIR=DIR, a folder that holds TweetNaCl (tweetnacl.c,
# tweetnacl.h) or Monocypher 4 (monocypher.c, monocypher-ed25519.c and their headers). Stapes brings
# neither.
if(NOT STAPES_MODEL_SLOTS)
  message(FATAL_ERROR "STAPES_PUBLIC_KEY: only models over the link are signed; pass "
                      "-DSTAPES_MODEL_SLOTS=ON as well, or leave the key out")
endif()
get_filename_component(key_file ${STAPES_PUBLIC_KEY} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
set(key "")
if(EXISTS ${key_file})
  file(READ ${key_file} key)
  string(STRIP "${key}" key)
endif()
string(LENGTH "${key}" digits)
if(NOT digits EQUAL 64 OR NOT key MATCHES "^[0-9a-f]+$")
  message(FATAL_ERROR "STAPES_PUBLIC_KEY=${STAPES_PUBLIC_KEY}: found no line of 64 hexadecimal "
                      "digits, expected the .pub file that `stapes keys NAME` writes")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${key_file})

get_filename_component(library "${STAPES_ED25519_DIR}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
if(STAPES_ED25519_DIR AND EXISTS ${library}/tweetnacl.c)
  set(sources ${library}/tweetnacl.c)
  set(adapter common/ed25519_tweetnacl.cc)
elseif(STAPES_ED25519_DIR AND EXISTS ${library}/monocypher-ed25519.c AND EXISTS ${library}/monocypher.c)
  set(sources ${library}/monocypher.c ${library}/monocypher-ed25519.c)
  set(adapter common/ed25519_monocypher.cc)
else()
  message(FATAL_ERROR "STAPES_ED25519_DIR=${STAPES_ED25519_DIR}: found neither tweetnacl.c nor "
                      "monocypher.c with monocypher-ed25519.c, expected one of them: TweetNaCl from "
                      "https://tweetnacl.cr.yp.to (small) or Monocypher 4 from "
                      "https://monocypher.org (audited)")
endif()
# Not our code: our warnings are not for it, and it shifts negative numbers to the left.
set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-w;-fno-sanitize=undefined")
target_sources(stapes-firmware PRIVATE ${sources} ${adapter})
target_include_directories(stapes-firmware SYSTEM PRIVATE ${library})

string(REGEX REPLACE "(..)" "0x\\1, " bytes "${key}")
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/signed/public_key.h CONTENT
"// Written by signed_models.cmake from ${STAPES_PUBLIC_KEY}.
#pragma once

#include <cstdint>

namespace stapes {

constexpr uint8_t kPublicKey[] = {@bytes@};
constexpr uint32_t kLeastModelVersion = ${STAPES_LEAST_MODEL_VERSION};

}  // namespace stapes
" @ONLY)
target_include_directories(stapes-firmware PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/signed)
target_compile_definitions(stapes-firmware PRIVATE STAPES_SIGNED_MODELS)
if(CMAKE_CROSSCOMPILING)  # what the library needs of it, measured
  math(EXPR STAPES_STACK_BYTES "${STAPES_STACK_BYTES} + 4096")
endif()

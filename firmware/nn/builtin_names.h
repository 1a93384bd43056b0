// SPDX-License-Identifier: Apache-2.0
// Names of TensorFlow Lite's builtin operators, to say which one a model wants. For hosts: firmware
// builds that do not print names do not link them.
#pragma once

#include <cstdint>

namespace stapes {

// "UNKNOWN" for a code that the schema does not have.
const char* BuiltinName(int32_t builtin_code);

}  // namespace stapes

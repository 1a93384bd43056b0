// SPDX-License-Identifier: Apache-2.0
// Python bindings of firmware/frontend.
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindFrontEnd(nanobind::module_& module);

}  // namespace stapes

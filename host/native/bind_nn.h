// SPDX-License-Identifier: Apache-2.0
// Python bindings of firmware/nn.
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindNn(nanobind::module_& module);

}  // namespace stapes

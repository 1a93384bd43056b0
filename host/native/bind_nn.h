// SPDX-License-Identifier: Apache-2.0
// firmware/nn as Python sees it.
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindNn(nanobind::module_& module);

}  // namespace stapes

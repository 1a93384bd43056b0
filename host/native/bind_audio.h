// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindAudio(nanobind::module_& module);

}  // namespace stapes

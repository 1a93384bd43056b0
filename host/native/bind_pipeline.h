// SPDX-License-Identifier: Apache-2.0
// app/Pipeline for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindPipeline(nanobind::module_& module);

}  // namespace stapes

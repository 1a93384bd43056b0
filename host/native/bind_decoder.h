// RecognizeCommands for Python.
#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindDecoder(nanobind::module_& module);

}  // namespace stapes

#pragma once

#include <nanobind/nanobind.h>

namespace stapes {

void BindVoice(nanobind::module_& module);

}  // namespace stapes

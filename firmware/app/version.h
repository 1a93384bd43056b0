// SPDX-License-Identifier: Apache-2.0
// The version of the firmware: that of the Python package it comes with (pyproject.toml).
#pragma once

namespace stapes {

constexpr char kFirmwareVersion[] = STAPES_VERSION;

}  // namespace stapes

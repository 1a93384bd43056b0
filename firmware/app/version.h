// The version of the firmware: that of the Python package it comes with.
#pragma once

namespace stapes {

constexpr char kFirmwareVersion[] = "0.1.0";

}  // namespace stapes

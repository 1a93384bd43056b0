// SPDX-License-Identifier: Apache-2.0
// RecognizeCommands for Python.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

#include "decoder/recognize_commands.h"

namespace stapes {

// A decoder's settings, with its own memory for the thresholds.
struct OwnedDecoderConfig {
  std::vector<uint32_t> thresholds_q16;
  DecoderConfig config;  // all settings except the thresholds

  DecoderConfig get() const {
    DecoderConfig whole = config;
    whole.thresholds_q16 = thresholds_q16.data();
    return whole;
  }
};

void BindDecoder(nanobind::module_& module);

}  // namespace stapes

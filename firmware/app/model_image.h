// SPDX-License-Identifier: Apache-2.0
// A model as it is sent over the link: a small header, then the .tflite file as it is. The header
// holds what `stapes emit` writes as C++ for a compiled-in model, except for the front end's
// tables: they stay, and the image must have been made for them.
//
// Written by host/stapes/link/model_image.py; docs/protocol.md lists the fields.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/model_bundle.h"
#include "base/span.h"

namespace stapes {

constexpr std::size_t kMaxLabels = 64;

// A bundle in RAM; all its large parts lie elsewhere.
struct ModelImage {
  ModelBundle bundle;
  FrontEndTables front_end;
  const char* labels[kMaxLabels];
  GateConfig gate_config;     // where the bundle has a gate
  uint32_t input_scale_bits;  // float32: what the features were quantized for

  // Fills in the built-in model.
  void Set(const ModelBundle& built_in);

  // Fills in the model of `image` (16-byte aligned, outlives this), which takes its front end and
  // operators from `built_in`. nullptr, or why it does not fit: a literal.
  const char* Set(Span<const uint8_t> image, const ModelBundle& built_in);
};

}  // namespace stapes

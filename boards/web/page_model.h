// SPDX-License-Identifier: Apache-2.0
// A model as a page loads it: the front end's tables, then the image that `stapes load` sends.
//
// Written by host/stapes/page/page_model.py, which lists the fields.
#pragma once

#include <cstdint>

#include "app/model_bundle.h"
#include "app/model_image.h"
#include "app/silence_gate.h"
#include "base/span.h"

namespace stapes {

struct PageModel {
  ModelImage loaded;            // names, settings and network; its bundle lacks a window
  FrontEndTables front_end;     // less the quantization, which is the image's
  Span<const uint8_t> image;    // what a board takes over the link
  uint16_t clip_stride_frames;  // frames from one inference to the next

  // Reads `file` (16-byte aligned, outlives this). `gate`: for a model with a silence gate.
  // nullptr, or why it does not fit: a literal.
  const char* Read(Span<const uint8_t> file, FrameGate* gate);
};

}  // namespace stapes

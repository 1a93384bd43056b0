// SPDX-License-Identifier: Apache-2.0
// Everything that a firmware knows about the model compiled into it. `stapes emit` writes one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/frame_window.h"
#include "app/silence_gate.h"
#include "base/span.h"
#include "decoder/recognize_commands.h"
#include "frontend/front_end.h"
#include "nn/inference_engine.h"

namespace stapes {

// All pointers refer to constant data that lives as long as the program.
struct ModelBundle {
  const char* name;           // of the model, UTF-8
  const char* sha256;         // of the .tflite bytes: 64 hexadecimal digits
  const char* const* labels;  // [label_count] UTF-8
  uint16_t label_count;       // scores per inference
  uint16_t feature_count;     // int8 values per frame
  uint32_t sample_rate;       // hertz
  uint32_t window_samples;    // samples in one frame
  uint32_t stride_samples;    // samples from one inference to the next
  Span<const uint8_t> model;  // the .tflite file, 16-byte aligned
  const FrontEndTables* front_end;
  Span<const Operator* const> operators;  // those the model needs
  DecoderConfig decoder;
  std::size_t arena_bytes;           // for InferenceEngine::Init, 16-byte aligned
  std::size_t front_end_work_bytes;  // for FrontEnd::Init, 8-byte aligned
  std::size_t decoder_work_bytes;    // for RecognizeCommands::Init, 4-byte aligned
  uint32_t front_end_crc;            // names the front end's tables, less the quantization
  uint16_t window_frames;            // frames that the network takes at once
  InputWindow* window;               // nullptr where window_frames is 1 and each frame an inference
  FrameGate* gate;                   // nullptr where the network sees every frame
  const GateConfig* gate_config;     // what it is set to at the start; nullptr: as it is
  FrameGate* slot_gate;              // for models over the link; nullptr: they run without
};

}  // namespace stapes

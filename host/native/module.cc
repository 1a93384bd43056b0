// SPDX-License-Identifier: Apache-2.0
// stapes._native: the code of the device, callable from Python, and code that varies training
// clips.
#include <nanobind/nanobind.h>

#include "bind_audio.h"
#include "bind_decoder.h"
#include "bind_frontend.h"
#include "bind_nn.h"
#include "bind_pipeline.h"
#include "bind_voice.h"

NB_MODULE(_native, module) {
  module.doc() = "The firmware's own code, compiled for the host.";
  stapes::BindAudio(module);
  stapes::BindDecoder(module);
  stapes::BindFrontEnd(module);
  stapes::BindNn(module);
  stapes::BindPipeline(module);
  stapes::BindVoice(module);
}

// SPDX-License-Identifier: Apache-2.0
// An operator of nn/operators/operators.h whose work upstream's kernel does.
#pragma once

#include "nn/operator.h"
#include "tensorflow/lite/micro/micro_common.h"
#include "tensorflow/lite/micro/tflite_bridge/flatbuffer_conversions_bridge.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace stapes {

// What upstream asks for when it prepares an operator. Lies in the arena, as the operator's data.
struct UpstreamOperator {
  TFLMRegistration registration;
  tflite::TfLiteBridgeBuiltinParseFunction parse;
};

// `prepare` of such an operator: hands over its kernel. Upstream checks the shapes itself.
template <tflite::BuiltinOperator kCode, TFLMRegistration (*kRegister)(),
          tflite::TfLiteBridgeBuiltinParseFunction kParse>
const char* HandOverKernel(PrepareContext& context) {
  auto* const upstream = context.AllocateData<UpstreamOperator>();
  if (upstream == nullptr) {
    return kArenaIsFull;
  }
  *upstream = {kRegister(), kParse};
  upstream->registration.builtin_code = kCode;
  return nullptr;
}

// Only a list that names the operator links its kernel.
template <tflite::BuiltinOperator kCode, TFLMRegistration (*kRegister)(),
          tflite::TfLiteBridgeBuiltinParseFunction kParse>
constexpr Operator RunBy(const char* name) {
  return {kCode, name, HandOverKernel<kCode, kRegister, kParse>, nullptr, nullptr};
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// What went wrong while a model was loaded, in a form that a link or a host can print.
#pragma once

#include <cstdint>

namespace stapes {

enum class Status : uint8_t {
  kOk,
  kNotAModel,      // no .tflite identifier
  kDamaged,        // an offset, vector or table reaches outside the file
  kRefused,        // well formed, but this engine does not run it: see the reason
  kArenaTooSmall,  // ErrorDetails::arena_bytes: a size below which it cannot work
  kNotReady,       // Invoke without a successful Init
};

// On a host, the reason in full. Boards keep only the few reasons that do not pass through Why, and
// one text for all others: the same code checked their models when they were emitted.
inline constexpr char kNotSupported[] = "not supported here: `stapes info MODEL` tells why";
#ifdef STAPES_BRIEF_REASONS
__attribute__((always_inline)) constexpr const char* Why(const char*) { return kNotSupported; }
#else
constexpr const char* Why(const char* reason) { return reason; }
#endif

struct ErrorDetails {
  static constexpr int32_t kWholeModel = -1;

  Status status = Status::kNotReady;
  int32_t operator_index = kWholeModel;  // position in its subgraph
  int32_t builtin_code = kWholeModel;    // tflite BuiltinOperator
  int32_t tensor_index = kWholeModel;    // in its subgraph, where the reason is about a tensor
  const char* operator_name = "";        // empty for an operator that is not linked in
  const char* reason = "no model was loaded";  // a literal
  uint32_t arena_bytes = 0;
};

}  // namespace stapes

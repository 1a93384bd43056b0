// SPDX-License-Identifier: Apache-2.0
// Elements of tensors whose type is known at run time only.
#pragma once

#include <cstdint>

#include "nn/kernels/requantize.h"
#include "nn/model.h"

namespace stapes {

// Whether float32 tensors are taken: for comparisons on a host, never on a board.
#ifdef STAPES_FLOAT_TENSORS
constexpr bool kTakesFloat = true;
#else
constexpr bool kTakesFloat = false;
#endif

// An integer of `type`: int8, uint8, int16 or int32.
inline int32_t LoadElement(TensorType type, const void* data, int32_t index) {
  switch (type) {
    case TensorType::kInt8:
      return static_cast<const int8_t*>(data)[index];
    case TensorType::kUInt8:
      return static_cast<const uint8_t*>(data)[index];
    case TensorType::kInt16:
      return static_cast<const int16_t*>(data)[index];
    default:
      return static_cast<const int32_t*>(data)[index];
  }
}

// Saturates to the range of `type`.
inline void StoreElement(TensorType type, int32_t value, void* data, int32_t index) {
  switch (type) {
    case TensorType::kInt8:
      static_cast<int8_t*>(data)[index] = static_cast<int8_t>(Clamp(value, INT8_MIN, INT8_MAX));
      break;
    case TensorType::kUInt8:
      static_cast<uint8_t*>(data)[index] = static_cast<uint8_t>(Clamp(value, 0, UINT8_MAX));
      break;
    case TensorType::kInt16:
      static_cast<int16_t*>(data)[index] = static_cast<int16_t>(Clamp(value, INT16_MIN, INT16_MAX));
      break;
    default:
      static_cast<int32_t*>(data)[index] = value;
  }
}

}  // namespace stapes

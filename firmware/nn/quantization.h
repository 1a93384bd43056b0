// SPDX-License-Identifier: Apache-2.0
// Quantized parameters that operators compute while they prepare.
// Source: TensorFlow Lite 8-bit quantization specification; expressions round as in upstream.
#pragma once

#include <cstdint>

#include "nn/model.h"
#include "nn/operator.h"
#include "nn/real.h"

namespace stapes {

// tflite ActivationFunctionType.
enum class Activation : int8_t { kNone = 0, kRelu = 1, kReluN1To1 = 2, kRelu6 = 3 };

// Present, of `type`, with one scale in range.
bool IsQuantized(const Tensor& tensor, TensorType type);
inline bool IsQuantizedInt8(const Tensor& tensor) { return IsQuantized(tensor, TensorType::kInt8); }
// Present, of `type`, constant, symmetric, with one scale, or one per slice of `dimension`.
constexpr int32_t kOneScale = -1;
bool IsSymmetricWeights(const Tensor& tensor, TensorType type, int32_t dimension);
// Present, constant, int32, with `count` values.
bool IsInt32List(const Tensor& tensor, int32_t count);
// Value `index` of a tensor that has passed IsInt32List.
int32_t Int32At(const Tensor& tensor, int32_t index);
// Absent, or constant int32 with `count` values.
bool IsBias(const Tensor& tensor, int32_t count);

// Whether values mean the same in both; each has passed IsQuantized.
bool HaveSameQuantization(const Tensor& a, const Tensor& b);

Real ScaleOf(const Tensor& tensor, uint32_t index = 0);

// int8 bounds of a fused activation on the output's scale. Returns nullptr or a reason.
const char* ActivationRange(Activation activation, const Tensor& output, int32_t* low,
                            int32_t* high);

}  // namespace stapes

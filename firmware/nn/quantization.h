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

// Present, int8, with one scale in range.
bool IsQuantizedInt8(const Tensor& tensor);
// Present, of `type`, constant, symmetric, with one scale, or one per slice of `dimension`.
constexpr int32_t kOneScale = -1;
bool IsSymmetricWeights(const Tensor& tensor, TensorType type, int32_t dimension);
// Absent, or constant int32 with `count` values.
bool IsBias(const Tensor& tensor, int32_t count);

Real ScaleOf(const Tensor& tensor, uint32_t index = 0);

// int8 bounds of a fused activation on the output's scale. Returns nullptr or a reason.
const char* ActivationRange(Activation activation, const Tensor& output, int32_t* low,
                            int32_t* high);

// Multipliers of input * weights / output per output channel (or a single one), as
// float64(input) * float64(weights) / float64(output). Writes `count` entries.
const char* ChannelMultipliers(const Tensor& input, const Tensor& weights, const Tensor& output,
                               uint32_t count, int32_t* significands, int8_t* shifts);

}  // namespace stapes

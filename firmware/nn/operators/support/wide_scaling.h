// SPDX-License-Identifier: Apache-2.0
// What the wide CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED have in common: their tensors, and
// how sums of 64 or 32 bits become int16 outputs.
// Source: TensorFlow Lite's MultiplyByQuantizedMultiplier of 64-bit values: the multiplier is
// rounded to 16 bits, the product once.
#pragma once

#include <cstdint>
#include <cstring>

#include "nn/kernels/requantize.h"
#include "nn/operators/support/channel_scaling.h"
#include "nn/operators/support/wide.h"

namespace stapes {

// Bits of the bias, and of the sums.
enum class WideSums : uint8_t { k32, k64 };

struct WideChannelScaling {
  uint32_t significands;  // position of one int32 Q0.31, or one per channel
  uint32_t shifts;        // position of one int8, or one per channel
  int32_t channel_step;   // 1 with a scale per channel, else 0
  int32_t low;
  int32_t high;
  WideSums sums;
};

// Checks types, the bias, and that weights of `rank` dimensions are symmetric with one scale, or
// one per slice of `channel_dimension`. Returns nullptr or a reason.
const char* CheckWideTensors(const PrepareContext& context, const WeighedTensors& tensors,
                             int32_t rank, int32_t channel_dimension);

// Fields of the operator's options.
constexpr int kNoBiasType = -1;
struct WideOptions {
  int activation;
  int bias_type;  // of a bias that is left out; kNoBiasType: int64
};

// Returns nullptr or a reason.
const char* PrepareWideScaling(PrepareContext& context, const WeighedTensors& tensors,
                               WideOptions options, WideChannelScaling* scaling);

// Sums are unsigned because they may wrap.
inline uint64_t Product(int16_t value, int8_t weight) {
  return static_cast<uint64_t>(int64_t{value * weight});
}

// One invoke.
class WideScaling {
 public:
  WideScaling(const InvokeContext& context, const WideChannelScaling& scaling, int bias_input)
      : bias_(context.Input<uint8_t>(bias_input)),
        significands_(context.Persistent<int32_t>(scaling.significands)),
        shifts_(context.Persistent<int8_t>(scaling.shifts)),
        scaling_(scaling) {}

  // One output from a sum without bias.
  int16_t operator()(int32_t channel, uint64_t sum) const {
    const int32_t significand = significands_[channel * scaling_.channel_step];
    const int32_t shift = shifts_[channel * scaling_.channel_step];
    const int32_t scaled =
        scaling_.sums == WideSums::k64
            ? Scale64(sum + Bias<uint64_t>(channel), significand, shift)
            : Requantize(static_cast<int32_t>(static_cast<uint32_t>(sum) + Bias<uint32_t>(channel)),
                         significand, shift);
    return static_cast<int16_t>(Clamp(scaled, scaling_.low, scaling_.high));
  }

 private:
  template <typename T>
  T Bias(int32_t channel) const {
    T value = 0;
    if (bias_ != nullptr) {
      std::memcpy(&value, bias_ + static_cast<std::size_t>(channel) * sizeof(T), sizeof(T));
    }
    return value;
  }

  // Shift -31 to 7.
  static int32_t Scale64(uint64_t sum, int32_t significand, int32_t shift) {
    constexpr int32_t kNearOne = 0x7fff0000;
    const int32_t reduced = significand < kNearOne ? (significand + (1 << 15)) >> 16 : 0x7fff;
    const int32_t right = 15 - shift;
    const uint64_t product = sum * static_cast<uint64_t>(reduced) + (uint64_t{1} << (right - 1));
    return static_cast<int32_t>(static_cast<int64_t>(product) >> right);
  }

  const uint8_t* bias_;
  const int32_t* significands_;
  const int8_t* shifts_;
  const WideChannelScaling& scaling_;
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Multipliers below 1/2 in few instructions: both roundings of Requantize as two rounding
// multiplications that keep the upper word.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"
#include "nn/kernels/requantize.h"

namespace stapes {

// Whether DownScale takes a multiplier with this shift. Shift 0 is left out, although tiny
// multipliers, which become 0, have it as well.
constexpr bool ScalesDown(int32_t shift) { return shift <= -1 && shift >= -31; }

// Elsewhere Requantize is as good.
constexpr bool kHasDownScale = STAPES_KERNELS_DSP || STAPES_KERNELS_THUMB;

// Requantize for what DownScale does not take: rare where there is DownScale, so out of line there.
#if STAPES_KERNELS_DSP || STAPES_KERNELS_THUMB
[[gnu::noinline]]
#endif
inline int32_t RequantizeAny(int32_t value, int32_t significand, int32_t shift) {
  return Requantize(value, significand, shift);
}

inline int8_t SaturateS8(int32_t value) {
#if STAPES_KERNELS_DSP || (STAPES_KERNELS_THUMB && defined(__thumb2__))
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
  return static_cast<int8_t>(result);
#else
  return static_cast<int8_t>(Clamp(value, INT8_MIN, INT8_MAX));
#endif
}

inline int32_t SaturateS16(int32_t value) {
#if STAPES_KERNELS_DSP || (STAPES_KERNELS_THUMB && defined(__thumb2__))
  int32_t result;
  __asm__("ssat %0, #16, %1" : "=r"(result) : "r"(value));
  return result;
#else
  return Clamp(value, INT16_MIN, INT16_MAX);
#endif
}

#if STAPES_KERNELS_THUMB

// offset + Requantize(value, significand, shift). For a negative number that is first lowered by
// one, ties upwards are ties away from zero. The carry takes the bit that is shifted out last.
#if defined(__thumb2__)

struct DownScale {
  int32_t twice;  // 2 s - 2^32 for the significand s: the first rounding is as below
  int32_t right;  // places

  static DownScale Of(int32_t significand, int32_t shift) {
    return {static_cast<int32_t>(static_cast<uint32_t>(significand) << 1), -shift};
  }

  int32_t operator()(int32_t value, int32_t offset) const {
    int32_t low, result;
    __asm__(
        "smull %0, %1, %2, %3\n"
        "adds %0, %0, %0\n"
        "adc %1, %1, %2\n"
        "add %1, %1, %1, asr #31\n"
        "asrs %1, %1, %4\n"
        "adc %1, %1, %5\n"
        : "=&r"(low), "=&r"(result)
        : "r"(value), "r"(twice), "r"(right), "r"(offset)
        : "cc");
    return result;
  }
};

#else

struct DownScale {
  int32_t significand;
  int32_t right;  // places

  static DownScale Of(int32_t significand, int32_t shift) { return {significand, -shift}; }

  int32_t operator()(int32_t value, int32_t offset) const {
    int32_t result = ScaleQ31(value, significand);
    result += result >> 31;
    __asm__(
        ".syntax unified\n"
        "asrs %0, %0, %1\n"
        "adcs %0, %0, %2\n"
        : "+l"(result)
        : "l"(right), "l"(offset)
        : "cc");
    return result;
  }
};

#endif

#else

struct DownScale {
  int32_t twice;           // 2 s - 2^32 for the significand s, Q0.31 in [2^30, 2^31)
  int32_t negative_power;  // -2^(32 + shift)

  // Takes any multiplier, but the result works only for those that ScalesDown accepts.
  static DownScale Of(int32_t significand, int32_t shift) {
    return {static_cast<int32_t>(static_cast<uint32_t>(significand) << 1),
            static_cast<int32_t>(~uint32_t{0} << ((32 + shift) & 31))};
  }

  // offset + Requantize(value, significand, shift).
  //
  // First rounding: (v s + 2^30) >> 31 = (v 2^32 + v (2 s - 2^32) + 2^31) >> 32, ties upwards as
  // in MultiplyHighQ31; the result h is no larger than v.
  // Second: a negative number is first lowered by one, so that ties upwards are ties away from
  // zero:
  // (h + (h >> 31) + 2^(n-1)) >> n = (-(h + (h >> 31)) * -2^(32-n) + 2^31) >> 32.
  int32_t operator()(int32_t value, int32_t offset) const {
#if STAPES_KERNELS_DSP
    int32_t result;
    __asm__(
        "smmlar %0, %1, %2, %1\n"
        "add %0, %0, %0, asr #31\n"
        "smmlsr %0, %0, %3, %4\n"
        : "=&r"(result)
        : "r"(value), "r"(twice), "r"(negative_power), "r"(offset));
    return result;
#else
    constexpr int64_t kHalf = int64_t{1} << 31;
    int64_t high = (int64_t{value} * (int64_t{twice} + (int64_t{1} << 32)) + kHalf) >> 32;
    high += high >> 31;
    return offset + static_cast<int32_t>((kHalf - high * negative_power) >> 32);
#endif
  }
};

#endif

// outputs[i] = (sums[i] + bias[i]) scaled, saturated to int8.
#if STAPES_KERNELS_DSP || STAPES_KERNELS_THUMB
void ScaleDown(const int32_t* sums, const int32_t* bias, int32_t count, DownScale down,
               int32_t offset, int8_t* outputs);
// The sums scaled in place, saturated to int16.
void ScaleDownToS16(int32_t* sums, int32_t count, DownScale down);
#else
inline void ScaleDown(const int32_t* sums, const int32_t* bias, int32_t count, DownScale down,
                      int32_t offset, int8_t* outputs) {
  for (int32_t i = 0; i < count; ++i) {
    outputs[i] = SaturateS8(down(WrappingAdd(sums[i], bias[i]), offset));
  }
}

inline void ScaleDownToS16(int32_t* sums, int32_t count, DownScale down) {
  for (int32_t i = 0; i < count; ++i) {
    sums[i] = SaturateS16(down(sums[i], 0));
  }
}
#endif

}  // namespace stapes

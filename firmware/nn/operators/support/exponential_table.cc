// SPDX-License-Identifier: Apache-2.0
#include "nn/operators/support/exponential_table.h"

#include "nn/kernels/requantize.h"
#include "nn/operators/support/constant_exp.h"

namespace stapes {
namespace {

// Only the compiler computes with these; float where the original does.
constexpr float Exp(float x) { return static_cast<float>(ConstantExp(static_cast<double>(x))); }

constexpr float OneOverOnePlusX(float x) { return 1.0f / (1.0f + x); }

// To nearest, ties away from zero; small numbers.
constexpr float Round(float x) {
  const double away = static_cast<double>(x) + (x < 0 ? -0.5 : 0.5);
  return static_cast<float>(static_cast<int32_t>(away));
}

constexpr int16_t Saturate(float x) {
  return static_cast<int16_t>(Clamp(static_cast<int32_t>(x), INT16_MIN, INT16_MAX));
}

// Of `curve` over [first, last], Q0.15. A line's start is moved by half of the error in its middle.
constexpr WideTable Fill(float (*curve)(float), float first, float last) {
  constexpr float kOutputScale = 2.0f / 65535;
  constexpr float kPerStep = 65536.0f / (kOutputScale * 32767 - kOutputScale * -32768);
  const float step = (last - first) / kTableLines;
  WideTable table = {};
  for (int i = 0; i < kTableLines; ++i) {
    const float start = curve(first + static_cast<float>(i) * step);
    const float middle = curve(first + static_cast<float>(i) * step + step / 2);
    const float end = curve(first + static_cast<float>(i + 1) * step);
    const float sample = Round(start * kPerStep);
    const float between = Round((end * kPerStep + sample) / 2);
    table.ends[i] = Saturate(sample - Round((between - Round(middle * kPerStep)) / 2));
  }
  table.ends[kTableLines] = Saturate(Round(curve(last) * kPerStep));
  return table;
}

constexpr float kRange = 65535;  // of int16

constexpr WideTable kExp = Fill(Exp, 10.0f / kRange * -65535, 0);
constexpr WideTable kReciprocal = Fill(OneOverOnePlusX, 0, 1.0f / kRange * 65535);
}  // namespace

extern const WideTable kExpTable = kExp;
extern const WideTable kReciprocalTable = kReciprocal;

}  // namespace stapes

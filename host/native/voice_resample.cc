// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "simd.h"
#include "voice.h"

namespace stapes {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kZeros = 12;        // samples of the slower rate on each side
constexpr std::size_t kResolution = 256;  // entries of the prototype for each sample
constexpr int kPhasesLog2 = 6;
constexpr std::size_t kPhases = 1 << kPhasesLog2;  // rows of a filter bank; others are interpolated
constexpr double kCutoff = 0.9;                    // -6 dB here, as a share of half the slower rate
constexpr double kKaiserBeta = 5.0;                // 50 dB

// Modified Bessel function of the first kind, order 0, by its power series.
double Bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 30; ++k) {
    term *= (x / 2 / k) * (x / 2 / k);
    sum += term;
  }
  return sum;
}

// One side of the windowed sinc, with zeros after it.
struct Prototype {
  Prototype() {
    for (std::size_t i = 0; i <= kZeros * kResolution; ++i) {
      const double x = static_cast<double>(i) / kResolution;
      const double turn = kPi * kCutoff * x;
      const double sinc = i == 0 ? 1 : std::sin(turn) / turn;
      const double place = x / kZeros;
      const double window = Bessel(kKaiserBeta * std::sqrt(1 - place * place));
      values[i] = static_cast<float>(kCutoff * sinc * window / Bessel(kKaiserBeta));
    }
  }

  float At(float x) const {
    const float place = std::fabs(x) * kResolution;
    const std::size_t whole = std::min(static_cast<std::size_t>(place), values.size() - 2);
    const float share = place - static_cast<float>(whole);
    return values[whole] + share * (values[whole + 1] - values[whole]);
  }

  std::array<float, kZeros * kResolution + 3> values = {};
};

// Row p has the factors of `taps` samples for the point that is p / kPhases after the taps/2-th
// sample. `steps` has the difference of each factor to the next row.
struct FilterBank {
  explicit FilterBank(double slower) {
    static const Prototype prototype;
    const std::size_t half = static_cast<std::size_t>(std::ceil(kZeros / slower));
    taps = (2 * half + kLanes - 1) / kLanes * kLanes;
    rows.resize((kPhases + 1) * taps);
    steps.resize(kPhases * taps);
    const float scale = static_cast<float>(slower);
    for (std::size_t phase = 0; phase <= kPhases; ++phase) {
      const std::size_t middle = taps / 2 - 1;
      const float origin = static_cast<float>(middle) + static_cast<float>(phase) / kPhases;
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const float distance = (static_cast<float>(tap) - origin) * scale;
        rows[phase * taps + tap] = scale * prototype.At(distance);
      }
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      steps[i] = rows[i + taps] - rows[i];
    }
  }

  std::size_t taps;
  std::vector<float> rows, steps;
};

// padded: taps / 2 - 1 zeros, the samples, taps or more zeros. `step` is in Q32.
STAPES_CLONED void Interpolate(const FilterBank& bank, const float* padded, uint64_t step,
                               float* output, std::size_t length) {
  for (std::size_t j = 0; j < length; ++j) {
    const uint64_t position = j * step;
    const std::size_t row = (position >> (32 - kPhasesLog2)) % kPhases;
    const int32_t rest = static_cast<int32_t>(position % (uint64_t{1} << (32 - kPhasesLog2)));
    const float share = static_cast<float>(rest) / (1 << (32 - kPhasesLog2));
    const float* const factors = &bank.rows[row * bank.taps];
    const float* const steps = &bank.steps[row * bank.taps];
    const float* const from = padded + (position >> 32);
    Float8 sum = {}, factor, change, samples;
    for (std::size_t tap = 0; tap < bank.taps; tap += kLanes) {
      Load8(factors + tap, &factor);
      Load8(steps + tap, &change);
      Load8(from + tap, &samples);
      sum += samples * (factor + share * change);
    }
    output[j] = Sum8(sum);
  }
}

}  // namespace

std::vector<float> Resample(const float* samples, std::size_t count, std::size_t length) {
  const double step = static_cast<double>(count) / static_cast<double>(length);
  const FilterBank bank(std::min(1.0, 1.0 / step));
  std::vector<float> padded(count + 2 * bank.taps);
  std::copy(samples, samples + count,
            padded.begin() + static_cast<std::ptrdiff_t>(bank.taps / 2 - 1));
  std::vector<float> output(length);
  const uint64_t step_q32 = (static_cast<uint64_t>(count) << 32) / length;
  Interpolate(bank, padded.data(), step_q32, output.data(), length);
  return output;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Front-end tables from double arithmetic, written apart from host/stapes/device/tables.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "frontend/dct.h"
#include "frontend/front_end_tables.h"
#include "frontend/pcen.h"

namespace stapes::testing {

struct TestPcen {
  double rate, alpha, delta, root, floor;
};

struct TestSettings {
  double rate;
  uint32_t window, stride;
  uint16_t channels;
  double low, high;  // band edges, hertz
  uint16_t coefficients;
};

inline double Pi() { return std::acos(-1.0); }

inline int32_t Q31(double value) {
  return static_cast<int32_t>(std::lround(std::clamp(value * 0x1p31, -0x1p31, 0x1p31 - 1)));
}

// The tables and the memory they point to; neither copied nor moved.
class TestTables {
 public:
  explicit TestTables(const TestSettings& settings) : settings_(settings) {
    while ((1u << tables_.fft_log2) < settings.window) {
      ++tables_.fft_log2;
    }
    tables_.window_samples = settings.window;
    tables_.stride_samples = settings.stride;
    tables_.channel_count = settings.channels;
    tables_.coefficient_count = settings.coefficients;
    MakeWindow();
    MakeTwiddles();
    MakeMel();
    MakeDct();
    tables_.multiplier = 1 << 30;  // int8 = 16 steps per unit
    tables_.shift = 30 + tables_.feature_bits - 4;
    const std::size_t spectrum =
        std::max<std::size_t>((1u << tables_.fft_log2) / 2 + 1, (settings.coefficients + 1u) / 2);
    tables_.work_bytes = 8 * spectrum + 4 * DctInputLength(settings.channels) + 2 * settings.window;
  }
  TestTables(const TestTables&) = delete;
  TestTables& operator=(const TestTables&) = delete;

  const FrontEndTables& get() const { return tables_; }
  FrontEndTables& mutable_tables() { return tables_; }

  // Normalised energies in place of the logarithms. `energy_bits`: of the channels, which must fit.
  void UsePcen(const TestPcen& pcen, uint16_t energy_bits) {
    const double highest = PcenCurve(pcen, 240);
    const int bits = std::min(static_cast<int>(std::log2(65535 / highest)), 16);
    for (int i = 0; i <= 256; ++i) {
      const double value = std::min(PcenCurve(pcen, i), highest);
      pcen_curve_.push_back(static_cast<uint16_t>(std::lround(std::ldexp(value, bits))));
    }
    tables_.pcen_curve = pcen_curve_.data();
    tables_.pcen_stage = PcenMel;
    tables_.pcen_energy_bits = energy_bits;
    tables_.pcen_rate = static_cast<int32_t>(std::lround(pcen.rate * 0x1p16));
    tables_.pcen_alpha = Q31(pcen.alpha);
    tables_.pcen_floor = static_cast<uint32_t>(std::lround(std::ldexp(pcen.floor, energy_bits)));
    tables_.feature_bits = static_cast<uint16_t>(bits + 15);
    tables_.work_bytes += 8u * settings_.channels;
  }

 private:
  void MakeWindow() {
    double sum = 0;
    for (uint32_t i = 0; i < settings_.window; ++i) {
      const double value = 0.5 - 0.5 * std::cos(2 * Pi() * i / settings_.window);
      sum += value;
      if (i <= (settings_.window + 1) / 2) {
        window_.push_back(Q31(value));
      }
    }
    tables_.window = window_.data();
    tables_.input_bits = static_cast<uint16_t>(std::log2(0x1p31 * 0.999 / (2 * sum)));
  }

  void MakeTwiddles() {
    const uint32_t size = 1u << (tables_.fft_log2 - 1);
    for (uint32_t quarter = tables_.fft_log2 % 2 == 0 ? 2 : 4; quarter < size; quarter *= 4) {
      for (uint32_t j = 0; j < quarter; ++j) {
        for (uint32_t turn = 1; turn <= 3; ++turn) {
          AppendTwiddle(2 * Pi() * turn * j / (4.0 * quarter), &twiddles_);
        }
      }
    }
    tables_.twiddles = twiddles_.data();
  }

  void MakeMel() {
    const double bin_hertz = settings_.rate / (1u << tables_.fft_log2);
    tables_.first_bin = static_cast<uint16_t>(1.5 + settings_.low / bin_hertz);
    tables_.last_bin = static_cast<uint16_t>(settings_.high / bin_hertz);
    const double low = Mel(settings_.low);
    const double spacing = (Mel(settings_.high) - low) / (settings_.channels + 1);
    band_bins_.resize(settings_.channels + 1u);
    for (uint32_t bin = tables_.first_bin; bin <= tables_.last_bin; ++bin) {
      const double place = (Mel(bin * bin_hertz) - low) / spacing;
      const double band = std::min<double>(std::ceil(place) - 1, settings_.channels);
      ++band_bins_[static_cast<std::size_t>(band)];
      const double weight = std::clamp((band + 1 - place) * 65536, 0.0, 65535.0);
      mel_weights_.push_back(static_cast<uint16_t>(std::lround(weight)));
      AppendTwiddle(2 * Pi() * bin / (1u << tables_.fft_log2), &bin_twiddles_);
    }
    tables_.band_bins = band_bins_.data();
    tables_.mel_weights = mel_weights_.data();
    tables_.bin_twiddles = bin_twiddles_.data();
  }

  void MakeDct() {
    tables_.feature_bits = settings_.coefficients == 0 ? 16 : 14;
    const uint32_t channels = settings_.channels;
    const uint32_t length = DctRowLength(channels);
    for (uint32_t i = 0; i < settings_.coefficients; ++i) {
      for (uint32_t entry = 0; entry < length; ++entry) {
        const uint32_t count = i % 2 == 0 ? (channels + 1) / 2 : channels / 2;
        const uint32_t j = i % 2 == 0 ? entry : channels / 2 - 1 - entry;
        const double cosine = std::sqrt(2.0 / channels) * std::cos(Pi() * i * (j + 0.5) / channels);
        dct_.push_back(entry < count ? static_cast<int16_t>(std::lround(cosine * 0x1p14)) : 0);
      }
    }
    tables_.dct = dct_.data();
  }

  // Entry i of the table.
  static double PcenCurve(const TestPcen& pcen, int i) {
    const double gained = std::exp2(i / 8.0 - 16) + pcen.delta;
    return std::pow(gained, pcen.root) - std::pow(pcen.delta, pcen.root);
  }

  static double Mel(double hertz) { return 1127.0 * std::log1p(hertz / 700.0); }

  static void AppendTwiddle(double angle, std::vector<int32_t>* output) {
    output->push_back(Q31(std::cos(angle)));
    output->push_back(Q31(std::sin(angle)));
  }

  TestSettings settings_;
  FrontEndTables tables_ = {};
  std::vector<int32_t> window_, twiddles_, bin_twiddles_;
  std::vector<uint16_t> band_bins_, mel_weights_;
  std::vector<int16_t> dct_;
  std::vector<uint16_t> pcen_curve_;
};

}  // namespace stapes::testing

// SPDX-License-Identifier: Apache-2.0
#include "owned_tables.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "frontend/dct.h"
#include "frontend/pcen.h"

namespace nb = nanobind;

namespace stapes {
namespace {

template <typename T>
std::vector<T> CopyArray(nb::handle tables, const char* name, std::size_t expected) {
  using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
  const Array array = nb::cast<Array>(tables.attr(name));
  if (array.size() != expected) {
    throw std::invalid_argument(std::string("tables.") + name + ": expected " +
                                std::to_string(expected) + " numbers, got " +
                                std::to_string(array.size()));
  }
  return std::vector<T>(array.data(), array.data() + array.size());
}

template <typename T>
T Number(nb::handle tables, const char* name) {
  return nb::cast<T>(tables.attr(name));
}

void Expect(bool holds, const char* what) {
  if (!holds) {
    throw std::invalid_argument(std::string("tables: expected ") + what);
  }
}

// Six numbers for each butterfly of a block, in all stages except the trivial first one.
std::size_t TwiddleCount(uint32_t fft_log2) {
  const std::size_t size = std::size_t{1} << (fft_log2 - 1);
  std::size_t count = 0;
  for (std::size_t quarter = fft_log2 % 2 == 0 ? 2 : 4; quarter < size; quarter *= 4) {
    count += 6 * quarter;
  }
  return count;
}

}  // namespace

OwnedTables::OwnedTables(nb::handle source) {
  tables_.window_samples = Number<uint32_t>(source, "window_samples");
  tables_.stride_samples = Number<uint32_t>(source, "stride_samples");
  tables_.fft_log2 = Number<uint16_t>(source, "fft_log2");
  tables_.input_bits = Number<uint16_t>(source, "input_bits");
  tables_.channel_count = Number<uint16_t>(source, "channel_count");
  tables_.coefficient_count = Number<uint16_t>(source, "coefficient_count");
  tables_.first_bin = Number<uint16_t>(source, "first_bin");
  tables_.last_bin = Number<uint16_t>(source, "last_bin");
  tables_.feature_bits = Number<uint16_t>(source, "feature_bits");
  tables_.zero_point = Number<int16_t>(source, "zero_point");
  tables_.multiplier = Number<int32_t>(source, "multiplier");
  tables_.shift = Number<int32_t>(source, "shift");
  tables_.work_bytes = Number<std::size_t>(source, "work_bytes");
  tables_.pcen_energy_bits = Number<uint16_t>(source, "pcen_energy_bits");
  tables_.pcen_rate = Number<int32_t>(source, "pcen_rate");
  tables_.pcen_alpha = Number<int32_t>(source, "pcen_alpha");
  tables_.pcen_floor = Number<uint32_t>(source, "pcen_floor");
  CheckSizes();
  CopyArrays(source);
}

void OwnedTables::CheckSizes() const {
  const uint32_t fft_log2 = tables_.fft_log2;
  Expect(fft_log2 >= 4 && fft_log2 <= 12, "4 <= fft_log2 <= 12");
  Expect(tables_.window_samples >= 1 && tables_.window_samples <= 1u << fft_log2,
         "a window within the FFT size");
  Expect(tables_.stride_samples >= 1, "stride_samples >= 1");
  Expect(tables_.channel_count >= 2 && tables_.channel_count <= 128, "2 to 128 channels");
  Expect(tables_.coefficient_count <= tables_.channel_count, "coefficients <= channels");
  Expect(tables_.first_bin >= 1 && tables_.first_bin <= tables_.last_bin &&
             tables_.last_bin <= 1u << (fft_log2 - 1),
         "1 <= first_bin <= last_bin <= FFT size / 2");
  Expect(tables_.shift >= 32 && tables_.shift <= 62, "32 <= shift <= 62");
}

void OwnedTables::CopyArrays(nb::handle source) {
  const std::size_t bins = tables_.last_bin - tables_.first_bin + std::size_t{1};
  window_ = CopyArray<int32_t>(source, "window", (tables_.window_samples + 1) / 2 + 1);
  twiddles_ = CopyArray<int32_t>(source, "twiddles", TwiddleCount(tables_.fft_log2));
  bin_twiddles_ = CopyArray<int32_t>(source, "bin_twiddles", 2 * bins);
  band_bins_ = CopyArray<uint16_t>(source, "band_bins", tables_.channel_count + std::size_t{1});
  mel_weights_ = CopyArray<uint16_t>(source, "mel_weights", bins);
  dct_ = CopyArray<int16_t>(source, "dct",
                            tables_.coefficient_count * DctRowLength(tables_.channel_count));
  std::size_t sum = 0;
  for (const uint16_t count : band_bins_) {
    sum += count;
  }
  Expect(sum == bins, "band_bins that add up to the bins");
  tables_.window = window_.data();
  tables_.twiddles = twiddles_.data();
  tables_.bin_twiddles = bin_twiddles_.data();
  tables_.band_bins = band_bins_.data();
  tables_.mel_weights = mel_weights_.data();
  tables_.dct = dct_.data();
  if (nb::cast<std::size_t>(source.attr("pcen_curve").attr("size")) != 0) {
    pcen_curve_ = CopyArray<uint16_t>(source, "pcen_curve", kPcenCurveSize);
    tables_.pcen_curve = pcen_curve_.data();
    tables_.pcen_stage = PcenMel;
    CheckPcen();
  }
}

void OwnedTables::CheckPcen() const {
  Expect(tables_.coefficient_count == 0, "no DCT of normalised energies");
  Expect(tables_.pcen_energy_bits <= 31, "pcen_energy_bits <= 31");
  Expect(tables_.pcen_rate >= 1 && tables_.pcen_rate <= 1 << 16, "1 <= pcen_rate <= 2^16");
  Expect(tables_.pcen_alpha >= 0, "pcen_alpha >= 0");
  Expect(tables_.pcen_floor >= 1 && tables_.pcen_floor <= 1u << 31, "1 <= pcen_floor <= 2^31");
  Expect(std::is_sorted(pcen_curve_.begin(), pcen_curve_.end()), "a pcen_curve that rises");
}

}  // namespace stapes

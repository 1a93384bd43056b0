// SPDX-License-Identifier: Apache-2.0
#include "frontend/front_end.h"

#include <cstring>

#include "frontend/dct.h"
#include "frontend/fft.h"
#include "frontend/mel.h"
#include "frontend/quantize_features.h"
#include "frontend/window.h"

namespace stapes {
namespace {

// Complex numbers of the FFT buffer: the spectrum and, later in the frame, the DCT's output.
std::size_t SpectrumSize(const FrontEndTables& tables) {
  const std::size_t bins = (std::size_t{1} << (tables.fft_log2 - 1)) + 1;
  const std::size_t features = (tables.coefficient_count + std::size_t{1}) / 2;
  return bins > features ? bins : features;
}

// Channels whose energies are smoothed.
std::size_t SmoothedSize(const FrontEndTables& tables) {
  return tables.pcen_stage != nullptr ? tables.channel_count : 0;
}

}  // namespace

bool FrontEnd::Init(const FrontEndTables& tables, Span<uint8_t> work) {
  static_assert(alignof(ComplexInt) <= 8, "what `work` is aligned to");
  const std::size_t spectrum_size = SpectrumSize(tables);
  const std::size_t logs_size = DctInputLength(tables.channel_count);
  const std::size_t needed = spectrum_size * sizeof(ComplexInt) +
                             SmoothedSize(tables) * sizeof(int64_t) + logs_size * sizeof(int32_t) +
                             tables.window_samples * sizeof(int16_t);
  if (work.size() < needed || reinterpret_cast<uintptr_t>(work.data()) % 8 != 0) {
    return false;
  }
  tables_ = &tables;
  spectrum_ = reinterpret_cast<ComplexInt*>(work.data());
  pcen_.smoothed = reinterpret_cast<int64_t*>(spectrum_ + spectrum_size);
  logs_ = reinterpret_cast<int32_t*>(pcen_.smoothed + SmoothedSize(tables));
  samples_ = reinterpret_cast<int16_t*>(logs_ + logs_size);
  std::memset(work.data(), 0, needed);
  Reset();
  return true;
}

std::size_t FrontEnd::Push(Span<const int16_t> samples) {
  const int16_t* from = samples.data();
  std::size_t left = samples.size();
  if (filled_ < 0) {
    const std::size_t gap = static_cast<std::size_t>(-filled_);
    const std::size_t skipped = gap < left ? gap : left;
    filled_ += static_cast<int32_t>(skipped);
    if (filled_ < 0) {
      return skipped;
    }
    from += skipped;
    left -= skipped;
  }
  const std::size_t room = tables_->window_samples - static_cast<uint32_t>(filled_);
  const std::size_t taken = room < left ? room : left;
  changes_.bits |= CopySamples(samples_ + filled_, from, taken).bits;
  filled_ += static_cast<int32_t>(taken);
  return samples.size() - left + taken;
}

Span<const int16_t> FrontEnd::Waiting() const {
  return {samples_, IsFull() ? tables_->window_samples : 0u};
}

bool FrontEnd::ComputeRounded(Span<int8_t> features) {
  QuantizeFeatures(*tables_, ComputeFrame(), features);
  DropStride();
  return true;
}

bool FrontEnd::ComputeUnrounded(Span<int32_t> features) {
  std::memcpy(features.data(), ComputeFrame(), features.size() * sizeof(int32_t));
  DropStride();
  return true;
}

void FrontEnd::Reset() {
  filled_ = 0;
  changes_ = {};
  pcen_.frames = 0;
  std::memset(pcen_.smoothed, 0, SmoothedSize(*tables_) * sizeof(int64_t));
}

// The frame's features in Q(feature_bits), valid until the next frame.
const int32_t* FrontEnd::ComputeFrame() {
  const FrontEndTables& tables = *tables_;
  const int peak_bits = PeakBits(changes_);
  const int shift = WindowShift(tables, peak_bits);
  ApplyWindow(tables, samples_, shift, spectrum_);
  Fft(tables.fft_log2 - 1, tables.twiddles, spectrum_);
  if (tables.pcen_stage != nullptr) {
    tables.pcen_stage(tables, spectrum_, peak_bits, &pcen_, logs_);
    return logs_;
  }
  LogMel(tables, spectrum_, shift, logs_);
  if (tables.coefficient_count == 0) {
    return logs_;
  }
  // The spectrum is used up: its memory takes the features.
  int32_t* const features = &spectrum_->re;
  Dct(tables, logs_, features);
  return features;
}

void FrontEnd::DropStride() {
  const uint32_t stride = tables_->stride_samples;
  filled_ -= static_cast<int32_t>(stride);
  if (filled_ <= 0) {
    changes_ = {};
    return;
  }
  changes_ = CopySamples(samples_, samples_ + stride, static_cast<std::size_t>(filled_));
}

}  // namespace stapes

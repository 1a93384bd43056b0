// SPDX-License-Identifier: Apache-2.0
#include "frame_lanes.h"

#if defined(__x86_64__)

#include <algorithm>
#include <vector>

#include "base/fixed_point.h"
#include "frontend/dct.h"
#include "frontend/logarithm.h"
#include "frontend/mel.h"
#include "frontend/mel_channels.h"
#include "frontend/pcen.h"
#include "frontend/square_root.h"
#include "frontend/window.h"
#include "nn/kernels/x86/avx2.h"

namespace stapes {
namespace {

constexpr std::size_t kFrames = FrameLanes::kFrames;

// A complex number for each frame.
struct alignas(32) Complex8 {
  __m256i re, im;
};

STAPES_AVX2 inline __m256i Add(__m256i a, __m256i b) { return _mm256_add_epi32(a, b); }
STAPES_AVX2 inline __m256i Sub(__m256i a, __m256i b) { return _mm256_sub_epi32(a, b); }
STAPES_AVX2 inline __m256i Twice(__m256i a) { return _mm256_add_epi32(a, a); }

// The odd lanes, moved to the even ones: AVX2 multiplies only the even lanes.
STAPES_AVX2 inline __m256i Odd(__m256i a) { return _mm256_srli_epi64(a, 32); }

// The upper words of 64-bit numbers: those of `even` in the even lanes, those of `odd` in the odd.
STAPES_AVX2 inline __m256i UpperWords(__m256i even, __m256i odd) {
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

STAPES_AVX2 inline __m256i LowerWords(__m256i even, __m256i odd) {
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}

// window.h ----------------------------------------------------------------------------------------

STAPES_AVX2 int FramePeakBits(const int16_t* samples, uint32_t count) {
  __m256i changes = _mm256_setzero_si256();
  uint32_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256i values = avx2::Load(samples + i);
    changes = _mm256_or_si256(changes, _mm256_xor_si256(values, _mm256_slli_epi16(values, 1)));
  }
  uint16_t lanes[16];
  std::memcpy(lanes, &changes, sizeof(lanes));
  uint32_t bits = 0;
  for (const uint16_t lane : lanes) {
    bits |= lane;
  }
  for (; i < count; ++i) {
    const uint32_t value = static_cast<uint16_t>(samples[i]);
    bits |= value ^ (value << 1);
  }
  bits &= 0xFFFEu;
  return bits == 0 ? 0 : 31 - LeadingZeros(bits);
}

// Sample i of every frame in rows[i], for eight samples.
STAPES_AVX2 inline void TransposeEight(const int16_t* const frames[kFrames], uint32_t first,
                                       __m128i rows[8]) {
  __m128i a[8], b[8];
  for (std::size_t lane = 0; lane < 8; ++lane) {
    std::memcpy(&a[lane], frames[lane] + first, sizeof(a[lane]));
  }
  for (std::size_t i = 0; i < 4; ++i) {
    b[2 * i] = _mm_unpacklo_epi16(a[2 * i], a[2 * i + 1]);
    b[2 * i + 1] = _mm_unpackhi_epi16(a[2 * i], a[2 * i + 1]);
  }
  for (std::size_t i = 0; i < 8; i += 4) {
    a[i] = _mm_unpacklo_epi32(b[i], b[i + 2]);
    a[i + 1] = _mm_unpackhi_epi32(b[i], b[i + 2]);
    a[i + 2] = _mm_unpacklo_epi32(b[i + 1], b[i + 3]);
    a[i + 3] = _mm_unpackhi_epi32(b[i + 1], b[i + 3]);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    rows[2 * i] = _mm_unpacklo_epi64(a[i], a[i + 4]);
    rows[2 * i + 1] = _mm_unpackhi_epi64(a[i], a[i + 4]);
  }
}

// `samples` in the upper halves of their lanes.
STAPES_AVX2 inline __m256i Windowed(__m256i samples, int32_t weight, __m256i half, __m256i shift) {
  const __m256i weights = _mm256_set1_epi32(weight);
  const __m256i even = _mm256_mul_epi32(samples, weights);
  const __m256i odd = _mm256_mul_epi32(Odd(samples), weights);
  return _mm256_srav_epi32(Add(UpperWords(even, odd), half), shift);
}

// fft.h -------------------------------------------------------------------------------------------

// Half of the rotated `value`, like HalfRotated in butterfly.h.
STAPES_AVX2 inline Complex8 HalfRotated(const Complex8& value, const int32_t* twiddle) {
  const __m256i cosine = _mm256_set1_epi32(twiddle[0]), sine = _mm256_set1_epi32(twiddle[1]);
  const __m256i half = _mm256_set1_epi64x(int64_t{1} << 31);
  const __m256i odd_re = Odd(value.re), odd_im = Odd(value.im);
  // Only the upper words of these sums are used.
  const __m256i even_sum = Add(_mm256_add_epi64(_mm256_mul_epi32(value.re, cosine), half),
                               _mm256_add_epi64(_mm256_mul_epi32(value.im, sine), half));
  const __m256i odd_sum = Add(_mm256_add_epi64(_mm256_mul_epi32(odd_re, cosine), half),
                              _mm256_add_epi64(_mm256_mul_epi32(odd_im, sine), half));
  const __m256i even_difference = Add(_mm256_add_epi64(_mm256_mul_epi32(value.im, cosine), half),
                                      _mm256_sub_epi64(half, _mm256_mul_epi32(value.re, sine)));
  const __m256i odd_difference = Add(_mm256_add_epi64(_mm256_mul_epi32(odd_im, cosine), half),
                                     _mm256_sub_epi64(half, _mm256_mul_epi32(odd_re, sine)));
  return {UpperWords(even_sum, odd_sum), UpperWords(even_difference, odd_difference)};
}

STAPES_AVX2 void FirstStageRadix2(Complex8* values, uint32_t size) {
  for (const Complex8* end = values + size; values != end; values += 2) {
    const Complex8 a = values[0], b = values[1];
    values[0] = {Add(a.re, b.re), Add(a.im, b.im)};
    values[1] = {Sub(a.re, b.re), Sub(a.im, b.im)};
  }
}

STAPES_AVX2 void FirstStageRadix4(Complex8* values, uint32_t size) {
  for (const Complex8* end = values + size; values != end; values += 4) {
    const Complex8 x0 = values[0], x2 = values[1], x1 = values[2], x3 = values[3];
    const Complex8 a = {Add(x0.re, x2.re), Add(x0.im, x2.im)};
    const Complex8 b = {Sub(x0.re, x2.re), Sub(x0.im, x2.im)};
    const Complex8 c = {Add(x1.re, x3.re), Add(x1.im, x3.im)};
    const Complex8 d = {Sub(x1.re, x3.re), Sub(x1.im, x3.im)};
    values[0] = {Add(a.re, c.re), Add(a.im, c.im)};
    values[1] = {Add(b.re, d.im), Sub(b.im, d.re)};
    values[2] = {Sub(a.re, c.re), Sub(a.im, c.im)};
    values[3] = {Sub(b.re, d.im), Add(b.im, d.re)};
  }
}

STAPES_AVX2 inline void Butterfly(Complex8* v0, Complex8* v1, Complex8* v2, Complex8* v3,
                                  const int32_t* twiddles) {
  const Complex8 t2 = HalfRotated(*v1, twiddles + 2);
  const Complex8 t1 = HalfRotated(*v2, twiddles);
  const Complex8 t3 = HalfRotated(*v3, twiddles + 4);
  const Complex8 a = {Add(v0->re, Twice(t2.re)), Add(v0->im, Twice(t2.im))};
  const Complex8 b = {Sub(v0->re, Twice(t2.re)), Sub(v0->im, Twice(t2.im))};
  const Complex8 c = {Twice(Add(t1.re, t3.re)), Twice(Add(t1.im, t3.im))};
  const Complex8 d = {Twice(Sub(t1.re, t3.re)), Twice(Sub(t1.im, t3.im))};
  *v0 = {Add(a.re, c.re), Add(a.im, c.im)};
  *v1 = {Add(b.re, d.im), Sub(b.im, d.re)};
  *v2 = {Sub(a.re, c.re), Sub(a.im, c.im)};
  *v3 = {Sub(b.re, d.im), Add(b.im, d.re)};
}

STAPES_AVX2 void Fft(int size_log2, const int32_t* twiddles, Complex8* values) {
  const uint32_t size = 1u << size_log2;
  uint32_t quarter = 4;
  if (size_log2 % 2 != 0) {
    FirstStageRadix2(values, size);
    quarter = 2;
  } else {
    FirstStageRadix4(values, size);
  }
  for (; quarter < size; quarter *= 4) {
    for (uint32_t block = 0; block < size; block += 4 * quarter) {
      Complex8* const v = values + block;
      for (uint32_t i = 0; i < quarter; ++i) {
        Butterfly(v + i, v + quarter + i, v + 2 * quarter + i, v + 3 * quarter + i,
                  twiddles + 6 * i);
      }
    }
    twiddles += 6 * quarter;
  }
  values[size] = values[0];
}

// square_root.h -----------------------------------------------------------------------------------

// Leading zero bits of numbers other than 0.
STAPES_AVX2 inline __m256i LeadingZeros(__m256i values) {
  // The bit below the highest one is removed: no float can then be rounded up to the next power of
  // two.
  const __m256i rounded_down = _mm256_andnot_si256(_mm256_srli_epi32(values, 1), values);
  const __m256i real = _mm256_castps_si256(_mm256_cvtepi32_ps(rounded_down));
  const __m256i zeros = Sub(_mm256_set1_epi32(127 + 31), _mm256_srli_epi32(real, 23));
  return _mm256_andnot_si256(_mm256_srai_epi32(values, 31), zeros);  // 0 for "negative" numbers
}

// Square roots of 64-bit numbers below 2^63, in two words each.
STAPES_AVX2 inline __m256i SquareRoot(__m256i high, __m256i low) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i short_ones = _mm256_cmpeq_epi32(high, zero);
  const __m256i top = _mm256_blendv_epi8(high, low, short_ones);
  const __m256i zeros = _mm256_andnot_si256(_mm256_set1_epi32(1), LeadingZeros(top));
  const __m256i below =
      _mm256_srlv_epi32(_mm256_srli_epi32(low, 1), Sub(_mm256_set1_epi32(31), zeros));
  const __m256i mantissa =
      _mm256_or_si256(_mm256_sllv_epi32(top, zeros), _mm256_andnot_si256(short_ones, below));
  // A table entry and the next one are read as one word.
  const __m256i index = Sub(_mm256_srli_epi32(mantissa, 24), _mm256_set1_epi32(kSquareRootFirst));
  const __m256i some = _mm256_max_epi32(index, zero);  // for the number 0
  const __m256i entries =
      _mm256_i32gather_epi32(reinterpret_cast<const int*>(kSquareRootTable.values), some, 2);
  const __m256i low_half = _mm256_set1_epi32(0xFFFF);
  const __m256i base = _mm256_and_si256(entries, low_half);
  const __m256i step = Sub(_mm256_srli_epi32(entries, 16), base);
  const __m256i fraction = _mm256_and_si256(_mm256_srli_epi32(mantissa, 8), low_half);
  const __m256i root = Add(_mm256_slli_epi32(base, 16), _mm256_mullo_epi32(step, fraction));
  const __m256i right =
      Add(_mm256_srli_epi32(zeros, 1), _mm256_and_si256(short_ones, _mm256_set1_epi32(16)));
  const __m256i none = _mm256_cmpeq_epi32(top, zero);
  return _mm256_andnot_si256(none, _mm256_srlv_epi32(root, right));
}

// mel_channels.h ---------------------------------------------------------------------------------

// A 64-bit sum for each frame.
struct alignas(32) Sums8 {
  __m256i even, odd;
};

STAPES_AVX2 inline void MulAddWide(__m256i numbers, uint32_t factor, Sums8* sums) {
  const __m256i factors = _mm256_set1_epi32(static_cast<int32_t>(factor));
  sums->even = _mm256_add_epi64(sums->even, _mm256_mul_epu32(numbers, factors));
  sums->odd = _mm256_add_epi64(sums->odd, _mm256_mul_epu32(Odd(numbers), factors));
}

// Twice the magnitude of the bin.
STAPES_AVX2 inline __m256i Magnitude(const Complex8& low, const Complex8& high,
                                     const int32_t* twiddle) {
  const Complex8 turned = {Add(low.im, high.im), Sub(high.re, low.re)};
  const Complex8 half = HalfRotated(turned, twiddle);
  const __m256i re = Add(Add(low.re, high.re), Twice(half.re));
  const __m256i im = Add(Sub(low.im, high.im), Twice(half.im));
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(re, re), _mm256_mul_epi32(im, im));
  const __m256i odd_re = Odd(re), odd_im = Odd(im);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(odd_re, odd_re), _mm256_mul_epi32(odd_im, odd_im));
  return SquareRoot(UpperWords(even, odd), LowerWords(even, odd));
}

// Calls output(index, channels of the frames, which are uint64_t) for every mel channel.
template <typename Output>
STAPES_AVX2 inline void ForEachMelChannel(const FrontEndTables& tables, const Complex8* spectrum,
                                          Output output) {
  const Complex8* low = spectrum + tables.first_bin;
  const Complex8* high = spectrum + (1u << (tables.fft_log2 - 1)) - tables.first_bin;
  const int32_t* twiddle = tables.bin_twiddles;
  const uint16_t* weight = tables.mel_weights;
  const Sums8 none = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  Sums8 channel = none;
  for (uint32_t band = 0; band <= tables.channel_count; ++band) {
    Sums8 next_channel = none;
    for (const uint16_t* end = weight + tables.band_bins[band]; weight != end; ++weight) {
      const __m256i magnitude = Magnitude(*low++, *high--, twiddle);
      twiddle += 2;
      MulAddWide(magnitude, *weight, &channel);
      MulAddWide(magnitude, (1u << 16) - *weight, &next_channel);
    }
    if (band > 0) {
      uint64_t even[4], odd[4], channels[kFrames];
      std::memcpy(even, &channel.even, sizeof(even));
      std::memcpy(odd, &channel.odd, sizeof(odd));
      for (std::size_t i = 0; i < kFrames; ++i) {
        channels[i] = i % 2 == 0 ? even[i / 2] : odd[i / 2];
      }
      output(band - 1, channels);
    }
    channel = next_channel;
  }
}

// mel.h -------------------------------------------------------------------------------------------

STAPES_AVX2 void LogMel(const FrontEndTables& tables, const Complex8* spectrum,
                        const int32_t window_shifts[kFrames], __m256i* logs) {
  ForEachMelChannel(tables, spectrum,
                    [&](uint32_t index, const uint64_t channels[kFrames]) STAPES_AVX2 {
                      int32_t of_frames[kFrames];
                      for (std::size_t i = 0; i < kFrames; ++i) {
                        of_frames[i] = FlooredLog(channels[i], ChannelBits(window_shifts[i]));
                      }
                      logs[index] = avx2::Load(of_frames);
                    });
}

// pcen.h ------------------------------------------------------------------------------------------

// Frame by frame: the energies of a frame are the past of the next frame.
STAPES_AVX2 void PcenMel(const FrontEndTables& tables, const Complex8* spectrum,
                         const PcenFrame frames[kFrames], const bool is_first[kFrames],
                         int64_t* smoothed, __m256i* features) {
  ForEachMelChannel(
      tables, spectrum, [&](uint32_t index, const uint64_t channels[kFrames]) STAPES_AVX2 {
        int32_t of_frames[kFrames];
        for (std::size_t i = 0; i < kFrames; ++i) {
          if (is_first[i]) {
            smoothed[index] = 0;
          }
          of_frames[i] = NormalizeChannel(tables, channels[i], frames[i], smoothed + index);
        }
        features[index] = avx2::Load(of_frames);
      });
}

// dct.h -------------------------------------------------------------------------------------------

STAPES_AVX2 void Fold(__m256i* logs, uint32_t channels) {
  __m256i* high = logs + channels;
  for (__m256i* low = logs; low < --high; ++low) {
    const __m256i sum = Add(*low, *high);
    *high = Sub(*low, *high);
    *low = sum;
  }
}

// `cosines` are shifted left by 16: so the upper words are the products shifted right by 16.
STAPES_AVX2 inline __m256i Row(const __m256i* folded, const int32_t* cosines, uint32_t length) {
  __m256i even = _mm256_setzero_si256(), odd = even;
  for (uint32_t i = 0; i < length; ++i) {
    const __m256i cosine = _mm256_set1_epi32(cosines[i]);
    even = Add(even, _mm256_mul_epi32(folded[i], cosine));
    odd = Add(odd, _mm256_mul_epi32(Odd(folded[i]), cosine));
  }
  return UpperWords(even, odd);
}

STAPES_AVX2 void Dct(const FrontEndTables& tables, const int32_t* cosines, __m256i* logs,
                     __m256i* features) {
  const uint32_t channels = tables.channel_count;
  Fold(logs, channels);
  const __m256i* differences = logs + (channels + 1) / 2;
  for (uint32_t i = 0; i < tables.coefficient_count; ++i) {
    features[i] = Row(i % 2 == 0 ? logs : differences, cosines, DctRowLength(channels));
    cosines += DctRowLength(channels);
  }
}

// quantize_features.h -----------------------------------------------------------------------------

STAPES_AVX2 void QuantizeFeatures(const FrontEndTables& tables, const __m256i* features,
                                  int8_t* const output[kFrames]) {
  const __m256i multiplier = _mm256_set1_epi32(tables.multiplier);
  const __m256i half = _mm256_set1_epi64x(int64_t{1} << (tables.shift - 1));
  const avx2::Bounds bounds = avx2::MakeBounds(tables.zero_point, -128, 127);
  const __m128i high_shift = _mm_cvtsi32_si128(tables.shift - 32);
  for (uint32_t i = 0; i < FeatureCount(tables); ++i) {
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(features[i], multiplier), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(Odd(features[i]), multiplier), half);
    const __m256i steps = _mm256_sra_epi32(UpperWords(even, odd), high_shift);
    int8_t bytes[kFrames];
    avx2::Store(avx2::Narrow(steps, bounds), bytes, kFrames);
    for (std::size_t lane = 0; lane < kFrames; ++lane) {
      output[lane][i] = bytes[lane];
    }
  }
}

}  // namespace

struct FrameLanes::State {
  explicit State(const FrontEndTables& front_end_tables);
  STAPES_AVX2 void ApplyWindow(const int16_t* const frames[kFrames], const int32_t shifts[kFrames]);
  STAPES_AVX2 void Compute(const int16_t* const frames[kFrames], const bool is_first[kFrames],
                           int8_t* const features[kFrames]);
  STAPES_AVX2 void Channels(const int32_t peak_bits[kFrames], const int32_t shifts[kFrames],
                            const bool is_first[kFrames], __m256i* channels);

  // The place of sample i of the frames.
  __m256i* Place(uint32_t i) {
    Complex8& pair = spectrum[places[i / 2]];
    return i % 2 == 0 ? &pair.re : &pair.im;
  }

  const FrontEndTables& tables;
  std::vector<uint32_t> places;    // bit-reversed places of the sample pairs
  std::vector<int32_t> weights;    // of each sample
  std::vector<int32_t> cosines;    // the DCT's, shifted left by 16
  std::vector<Complex8> spectrum;  // later the DCT's output, as in FrontEnd
  std::vector<Complex8> logs;      // two in an entry
  std::vector<int64_t> smoothed;
  PcenState pcen = {};
};

FrameLanes::State::State(const FrontEndTables& front_end_tables) : tables(front_end_tables) {
  const uint32_t count = tables.window_samples, size_log2 = tables.fft_log2 - 1u;
  for (uint32_t pair = 0; pair < 1u << size_log2; ++pair) {
    places.push_back(ReverseBits(pair) >> (32 - size_log2));
  }
  for (uint32_t i = 0; i < count; ++i) {
    weights.push_back(tables.window[i < (count + 2) / 4 * 2 ? i : count - i]);
  }
  const std::size_t row = DctRowLength(tables.channel_count);
  for (std::size_t i = 0; i < tables.coefficient_count * row; ++i) {
    cosines.push_back(tables.dct[i] * (1 << 16));
  }
  const std::size_t bins = places.size() + 1, features = (tables.coefficient_count + 1u) / 2;
  spectrum.resize(std::max(bins, features));
  logs.resize((DctInputLength(tables.channel_count) + 1) / 2);
  smoothed.resize(tables.channel_count);
  pcen.smoothed = smoothed.data();
}

void FrameLanes::State::ApplyWindow(const int16_t* const frames[kFrames],
                                    const int32_t shifts[kFrames]) {
  const __m256i shift = avx2::Load(shifts);
  const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(_mm256_set1_epi32(1), shift), 1);
  const __m256i zero = _mm256_setzero_si256();
  const uint32_t count = tables.window_samples;
  uint32_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m128i rows[8];
    TransposeEight(frames, i, rows);
    for (uint32_t j = 0; j < 8; ++j) {
      const __m256i samples = _mm256_slli_epi32(_mm256_cvtepi16_epi32(rows[j]), 16);
      *Place(i + j) = Windowed(samples, weights[i + j], half, shift);
    }
  }
  for (; i < count; ++i) {
    int32_t samples[kFrames];
    for (std::size_t lane = 0; lane < kFrames; ++lane) {
      samples[lane] = frames[lane][i] * (1 << 16);
    }
    *Place(i) = Windowed(avx2::Load(samples), weights[i], half, shift);
  }
  for (; i < 2 * places.size(); ++i) {
    *Place(i) = zero;
  }
}

// The logarithms of the mel channels, or the channels after PCEN.
void FrameLanes::State::Channels(const int32_t peak_bits[kFrames], const int32_t shifts[kFrames],
                                 const bool is_first[kFrames], __m256i* channels) {
  if (tables.pcen_stage == nullptr) {
    return LogMel(tables, spectrum.data(), shifts, channels);
  }
  PcenFrame frames[kFrames];
  for (std::size_t i = 0; i < kFrames; ++i) {
    if (is_first[i]) {
      pcen.frames = 0;
    }
    frames[i] = {ChannelBits(shifts[i]), NextPcenRate(tables, peak_bits[i] == 0, &pcen)};
  }
  PcenMel(tables, spectrum.data(), frames, is_first, pcen.smoothed, channels);
}

void FrameLanes::State::Compute(const int16_t* const frames[kFrames], const bool is_first[kFrames],
                                int8_t* const features[kFrames]) {
  int32_t peak_bits[kFrames], shifts[kFrames];
  for (std::size_t i = 0; i < kFrames; ++i) {
    peak_bits[i] = FramePeakBits(frames[i], tables.window_samples);
    shifts[i] = WindowShift(tables, peak_bits[i]);
  }
  ApplyWindow(frames, shifts);
  Fft(tables.fft_log2 - 1, tables.twiddles, spectrum.data());
  __m256i* const channels = &logs[0].re;
  Channels(peak_bits, shifts, is_first, channels);
  if (tables.coefficient_count == 0) {
    return QuantizeFeatures(tables, channels, features);
  }
  __m256i* const coefficients = &spectrum[0].re;
  Dct(tables, cosines.data(), channels, coefficients);
  QuantizeFeatures(tables, coefficients, features);
}

bool FrameLanes::Available() { return avx2::HasAvx2(); }

FrameLanes::FrameLanes(const FrontEndTables& tables) : state_(std::make_unique<State>(tables)) {}

FrameLanes::~FrameLanes() = default;

void FrameLanes::Compute(const int16_t* const frames[kFrames], const bool is_first[kFrames],
                         int8_t* const features[kFrames]) {
  state_->Compute(frames, is_first, features);
}

}  // namespace stapes

#else

namespace stapes {

struct FrameLanes::State {};
bool FrameLanes::Available() { return false; }
FrameLanes::FrameLanes(const FrontEndTables&) {}
FrameLanes::~FrameLanes() = default;
void FrameLanes::Compute(const int16_t* const*, const bool*, int8_t* const*) {}

}  // namespace stapes

#endif

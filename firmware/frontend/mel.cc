#include "frontend/mel.h"

#include "base/fixed_point.h"
#include "frontend/logarithm.h"
#include "frontend/square_root.h"

namespace stapes {
namespace {

// Twice the magnitude of bin k of the real signal's spectrum, from Z[k] and Z[size - k] of its
// pairs: 2 X[k] = Z[k] + conj Z[size-k] - i exp(-2 pi i k / (2 size)) (Z[k] - conj Z[size-k]).
inline uint32_t TwiceMagnitude(ComplexInt low, ComplexInt high, int32_t cosine, int32_t sine) {
  const int32_t u = Add(low.im, high.im);
  const int32_t v = Sub(high.re, low.re);
  const int32_t half_re = MulAddHigh(MulHigh(u, cosine), v, sine);
  const int32_t half_im = MulSubHigh(MulHigh(v, cosine), u, sine);
  const int64_t re = Add(Add(low.re, high.re), Twice(half_re));
  const int64_t im = Add(Sub(low.im, high.im), Twice(half_im));
  return SquareRoot(static_cast<uint64_t>(re * re) + static_cast<uint64_t>(im * im));
}

inline int32_t FlooredLog(uint64_t channel, int scale_bits) {
  if (channel == 0) return kLogFloor;
  const int32_t log = NaturalLog(channel, scale_bits);
  return log > kLogFloor ? log : kLogFloor;
}

}  // namespace

void LogMel(const FrontEndTables& tables, const ComplexInt* spectrum, int window_shift,
            int32_t* logs) {
  // Samples / 2^15, window Q15 shifted back, twice the magnitude, weights Q16.
  const int scale_bits = 15 + 15 - window_shift + 1 + 16;
  const ComplexInt* low = spectrum + tables.first_bin;
  const ComplexInt* high = spectrum + (1u << (tables.fft_log2 - 1)) - tables.first_bin;
  const int32_t* twiddle = tables.bin_twiddles;
  const uint16_t* weight = tables.mel_weights;
  uint64_t rising = 0;  // Q16, what the bins below a channel's centre give to it
  for (uint32_t band = 0; band <= tables.channel_count; ++band) {
    uint64_t sum = 0;
    uint64_t falling = 0;  // Q16
    for (const uint16_t* end = weight + tables.band_bins[band]; weight != end; ++weight) {
      const uint32_t magnitude = TwiceMagnitude(*low++, *high--, twiddle[0], twiddle[1]);
      twiddle += 2;
      sum += magnitude;
      falling += uint64_t{magnitude} * *weight;
    }
    if (band > 0) logs[band - 1] = FlooredLog(rising + falling, scale_bits);
    rising = (sum << 16) - falling;
  }
}

}  // namespace stapes

#include "frontend/mel.h"

#include "base/fixed_point.h"
#include "frontend/logarithm.h"
#include "frontend/power.h"
#include "frontend/square_root.h"

namespace stapes {
namespace {

inline int32_t FlooredLog(uint64_t channel, int scale_bits) {
  if (channel == 0) {
    return kLogFloor;
  }
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
  uint64_t channel = 0;  // Q16: so far, what the bins below its centre gave
  for (uint32_t band = 0; band <= tables.channel_count; ++band) {
    uint64_t next_channel = 0;
    for (const uint16_t* end = weight + tables.band_bins[band]; weight != end; ++weight) {
      const uint32_t magnitude = SquareRoot(FourfoldPower(low, high, twiddle));
      channel = MulAddWide(channel, magnitude, *weight);
      next_channel = MulAddWide(next_channel, magnitude, (1u << 16) - *weight);
    }
    if (band > 0) {
      logs[band - 1] = FlooredLog(channel, scale_bits);
    }
    channel = next_channel;
  }
}

}  // namespace stapes

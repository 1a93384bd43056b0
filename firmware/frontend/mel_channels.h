// SPDX-License-Identifier: Apache-2.0
// Sums of magnitudes under triangles on the mel scale, channel by channel.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"
#include "frontend/power.h"
#include "frontend/square_root.h"

namespace stapes {

// Channels are Q(this) where windowed samples were shifted right by `window_shift`: samples / 2^15,
// window Q15 shifted back, twice the magnitude, weights Q16.
constexpr int ChannelBits(int window_shift) { return 15 + 15 - window_shift + 1 + 16; }

// Calls output(index, channel) for every mel channel (mfcc_mel_filterbank.cc), lowest first; a
// channel is a uint64_t below 2^58. `spectrum` is what Fft made of the windowed samples.
template <typename Output>
inline void ForEachMelChannel(const FrontEndTables& tables, const ComplexInt* spectrum,
                              Output output) {
  const ComplexInt* low = spectrum + tables.first_bin;
  const ComplexInt* high = spectrum + (1u << (tables.fft_log2 - 1)) - tables.first_bin;
  const int32_t* twiddle = tables.bin_twiddles;
  const uint16_t* weight = tables.mel_weights;
  uint64_t channel = 0;  // so far, what the bins below its centre gave
  for (uint32_t band = 0; band <= tables.channel_count; ++band) {
    uint64_t next_channel = 0;
    for (const uint16_t* end = weight + tables.band_bins[band]; weight != end; ++weight) {
      const uint32_t magnitude = SquareRoot(FourfoldPower(low, high, twiddle));
      channel = MulAddWide(channel, magnitude, *weight);
      next_channel = MulAddWide(next_channel, magnitude, (1u << 16) - *weight);
    }
    if (band > 0) {
      output(band - 1, channel);
    }
    channel = next_channel;
  }
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Sums of magnitudes under triangles on the mel scale, channel by channel.
#pragma once

#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/complex_int.h"
#include "frontend/front_end_tables.h"
#include "frontend/magnitudes.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/mel_bands.h"
#endif

namespace stapes {

// Channels are Q(this) where windowed samples were shifted right by `window_shift`: samples / 2^15,
// window Q15 shifted back, twice the magnitude, weights Q16.
constexpr int ChannelBits(int window_shift) { return 15 + 15 - window_shift + 1 + 16; }

#ifndef STAPES_USE_HELIUM

// Adds `count` magnitudes, 1 or more, to two channels: each one's weighted part to `falling`, the
// rest to `rising`. Both pointers move on.
inline void AddMagnitudes(uint32_t count, const uint32_t*& magnitude, const uint16_t*& weight,
                          uint64_t* falling, uint64_t* rising) {
#ifdef STAPES_USE_ARM_DSP
  uint32_t value, factor;
  __asm__(
      "1:\n"
      "ldrh  %[factor], [%[weight]], #2\n"
      "ldr   %[value], [%[magnitude]], #4\n"
      "umlal %Q[falling], %R[falling], %[value], %[factor]\n"
      "rsb   %[factor], %[factor], #65536\n"
      "umlal %Q[rising], %R[rising], %[value], %[factor]\n"
      "subs  %[count], %[count], #1\n"
      "bne   1b\n"
      : [count] "+r"(count), [magnitude] "+r"(magnitude), [weight] "+r"(weight),
        [falling] "+r"(*falling), [rising] "+r"(*rising), [value] "=&r"(value),
        [factor] "=&r"(factor)
      :
      : "cc", "memory");
#else
  for (; count != 0; --count) {
    const uint64_t weighted = MulAddShort(0, *magnitude, *weight++);
    *falling += weighted;
    *rising += (static_cast<uint64_t>(*magnitude++) << 16) - weighted;
  }
#endif
}

#endif

// Calls output(index, channel) for every mel channel (mfcc_mel_filterbank.cc), lowest first; a
// channel is a uint64_t below 2^58. `spectrum` is what Fft made of the windowed samples.
template <typename Output>
inline void ForEachMelChannel(const FrontEndTables& tables, const ComplexInt* spectrum,
                              Output output) {
#ifdef STAPES_USE_HELIUM
  helium::ForEachMelGroup(tables, spectrum,
                          [&](uint32_t first, uint32_t count, const uint64_t* channels) {
                            for (uint32_t i = 0; i < count; ++i) {
                              output(first + i, channels[i]);
                            }
                          });
#else
  constexpr uint32_t kAtOnce = 32;  // magnitudes, to take little stack
  uint32_t magnitudes[kAtOnce];
  const uint32_t* magnitude = magnitudes;
  uint32_t ready = 0;
  BinPlace place = FirstBin(tables, spectrum);
  const uint16_t* weight = tables.mel_weights;
  const uint16_t* const last_weight = weight + (tables.last_bin - tables.first_bin);
  const uint16_t* band_bins = tables.band_bins;
  uint64_t channel = 0;  // so far, what the bins below its centre gave
  const int32_t channels = tables.channel_count;
  for (int32_t index = -1; index < channels; ++index) {
    uint64_t next_channel = 0;
    uint32_t left = *band_bins++;
    while (left > ready) {
      if (ready != 0) {
        AddMagnitudes(ready, magnitude, weight, &channel, &next_channel);
      }
      left -= ready;
      const uint32_t bins = static_cast<uint32_t>(last_weight - weight) + 1;
      ready = bins < kAtOnce ? bins : kAtOnce;
      NextMagnitudes(&place, ready, magnitudes);
      magnitude = magnitudes;
    }
    if (left != 0) {
      AddMagnitudes(left, magnitude, weight, &channel, &next_channel);
      ready -= left;
    }
    if (index >= 0) {
      output(static_cast<uint32_t>(index), channel);
    }
    channel = next_channel;
  }
#endif
}

}  // namespace stapes

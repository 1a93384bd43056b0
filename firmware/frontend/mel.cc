// SPDX-License-Identifier: Apache-2.0
#include "frontend/mel.h"

#include "frontend/logarithm.h"
#include "frontend/mel_channels.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/logarithm.h"
#endif

namespace stapes {

namespace {

inline int32_t Floored(uint64_t channel, int channel_bits) {
  if (channel >> 32 == 0 && channel == 0) {  // the upper word first: most channels are large
    return kLogFloor;
  }
  const int32_t log = NaturalLog(channel, channel_bits);
  return log > kLogFloor ? log : kLogFloor;
}

}  // namespace

int32_t FlooredLog(uint64_t channel, int channel_bits) { return Floored(channel, channel_bits); }

void LogMel(const FrontEndTables& tables, const ComplexInt* spectrum, int window_shift,
            int32_t* logs) {
  const int channel_bits = ChannelBits(window_shift);
#ifdef STAPES_USE_HELIUM
  helium::ForEachMelGroup(
      tables, spectrum, [&](uint32_t first, uint32_t count, const uint64_t* channels) {
        helium::FlooredLogs(channels, count, channel_bits, kLogFloor, logs + first);
      });
#else
  ForEachMelChannel(tables, spectrum, [logs, channel_bits](uint32_t index, uint64_t channel) {
    logs[index] = Floored(channel, channel_bits);
  });
#endif
}

}  // namespace stapes

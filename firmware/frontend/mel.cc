// SPDX-License-Identifier: Apache-2.0
#include "frontend/mel.h"

#include "frontend/logarithm.h"
#include "frontend/mel_channels.h"

namespace stapes {

int32_t FlooredLog(uint64_t channel, int channel_bits) {
  if (channel == 0) {
    return kLogFloor;
  }
  const int32_t log = NaturalLog(channel, channel_bits);
  return log > kLogFloor ? log : kLogFloor;
}

void LogMel(const FrontEndTables& tables, const ComplexInt* spectrum, int window_shift,
            int32_t* logs) {
  const int channel_bits = ChannelBits(window_shift);
  ForEachMelChannel(tables, spectrum, [logs, channel_bits](uint32_t index, uint64_t channel) {
    logs[index] = FlooredLog(channel, channel_bits);
  });
}

}  // namespace stapes

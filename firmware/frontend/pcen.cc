// SPDX-License-Identifier: Apache-2.0
#include "frontend/pcen.h"

#include "base/fixed_point.h"
#include "frontend/interpolation.h"
#include "frontend/logarithm.h"
#include "frontend/mel_channels.h"
#include "frontend/window.h"

namespace stapes {
namespace {

constexpr int32_t kOne = 1 << 16;            // Q16
constexpr int32_t kLowest = -16 * kOne;      // u where the curve begins
constexpr int32_t kOctaves = 32 * kOne;      // and how far it reaches
constexpr int kPositionShift = 32 - 5 - 16;  // 256 intervals in 32 octaves

// The curve at u (Q16), which is kept within the table's ends.
inline int32_t Curve(const FrontEndTables& tables, int32_t u) {
  int32_t place = Sub(u, kLowest);
  if (place < 0) {
    place = 0;
  }
  if (place >= kOctaves) {
    place = kOctaves - 1;
  }
  const uint32_t position = static_cast<uint32_t>(place) << kPositionShift;
  return static_cast<int32_t>(Interpolate<0>(tables.pcen_curve, position) >> 1);
}

// M + rate (E - M), M with 16 more bits than E.
inline int64_t Smooth(int64_t smoothed, int32_t energy, int32_t rate) {
  const int32_t difference = Sub(energy, Narrow(smoothed >> 16));
  return smoothed + static_cast<int64_t>(difference) * rate;
}

inline int32_t Normalize(const FrontEndTables& tables, uint64_t channel, const PcenFrame& frame,
                         int64_t* smoothed) {
  const uint64_t energy = channel >> (frame.channel_bits - tables.pcen_energy_bits);
  *smoothed = Smooth(*smoothed, Narrow(static_cast<int64_t>(energy)), frame.rate);
  if (channel == 0) {
    return Curve(tables, kLowest);
  }
  const uint64_t base = static_cast<uint32_t>(*smoothed >> 16) + tables.pcen_floor;
  const int32_t base_log = BinaryLog(base, tables.pcen_energy_bits);
  const int32_t log = BinaryLog(channel, frame.channel_bits) >> 1;  // Q16
  return Curve(tables, Sub(log, MulHigh(base_log, tables.pcen_alpha)));
}

}  // namespace

int32_t NextPcenRate(const FrontEndTables& tables, bool is_silent, PcenState* state) {
  if (is_silent) {
    return 0;
  }
  const int32_t mean = kOne / static_cast<int32_t>(state->frames + 1);
  if (mean <= tables.pcen_rate) {
    return tables.pcen_rate;
  }
  ++state->frames;
  return mean;
}

int32_t NormalizeChannel(const FrontEndTables& tables, uint64_t channel, const PcenFrame& frame,
                         int64_t* smoothed) {
  return Normalize(tables, channel, frame, smoothed);
}

void PcenMel(const FrontEndTables& tables, const ComplexInt* spectrum, int peak_bits,
             PcenState* state, int32_t* features) {
  const PcenFrame frame = {ChannelBits(WindowShift(tables, peak_bits)),
                           NextPcenRate(tables, peak_bits == 0, state)};
  int64_t* const smoothed = state->smoothed;
  ForEachMelChannel(tables, spectrum, [&](uint32_t index, uint64_t channel) {
    features[index] = Normalize(tables, channel, frame, smoothed + index);
  });
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Sums of magnitudes under triangles with Helium, four at a time; the bits of mel_channels.h.
#pragma once

#include <cstdint>

#include "frontend/front_end_tables.h"
#include "frontend/magnitudes.h"

namespace stapes {
namespace helium {

constexpr uint32_t kMagnitudesAtOnce = 128;

// Sums over bands, which are the bins between two channels' centres.
struct BandSums {
  int32_t ready;               // less than 0: so many magnitudes wait
  const uint32_t* magnitudes;  // behind those that wait
  const uint16_t* weights;     // behind those of the magnitudes that wait
  const uint16_t* band_bins;   // of the next bands
  uint64_t* next;              // where the next channel goes
  const uint64_t* end;         // behind the last channel
  uint32_t left;               // bins of this band
  uint32_t reserved;
  uint64_t falling;  // this band's channel so far
  uint64_t rising;   // the next one's
};

// Up to the last channel, which there is, or until no magnitude waits: then `ready` is more than 0,
// and so many bins of this band are left.
// All registers are in use: more than an asm statement is sure to get.
__attribute__((naked, noinline)) inline void AddBands(BandSums*) {
  __asm__(
      ".macro stapes_add_band bins end\n"
      "wlstp.32 lr, \\bins, \\end\n"
      "9:\n"
      "vldrh.u32 q1, [r0], #8\n"
      "vldrw.u32 q0, [r12], #16\n"
      "vmlaldava.u32 r8, r9, q0, q1\n"
      "vsub.i32 q1, q2, q1\n"
      "vmlaldava.u32 r10, r11, q0, q1\n"
      "letp lr, 9b\n"
      ".endm\n"
      "push {r0, r4-r11, lr}\n"
      "ldrd r8, r9, [r0, #32]\n"
      "ldrd r10, r11, [r0, #40]\n"
      "ldmia r0, {r1-r7}\n"
      "vmov.i32 q2, #65536\n"
      "add  r12, r2, r1, lsl #2\n"
      "add  r0, r3, r1, lsl #1\n"
      "b    2f\n"
      "1:\n"
      "ldrh r7, [r4], #2\n"
      "2:\n"
      "adds r1, r1, r7\n"
      "bgt  4f\n"
      "stapes_add_band r7, 3f\n"
      "3:\n"
      "strd r8, r9, [r5], #8\n"
      "add  r12, r2, r1, lsl #2\n"
      "add  r0, r3, r1, lsl #1\n"
      "mov  r8, r10\n"
      "mov  r9, r11\n"
      "movs r10, #0\n"
      "movs r11, #0\n"
      "cmp  r5, r6\n"
      "bne  1b\n"
      "b    5f\n"
      "4:\n"
      "sub  r7, r7, r1\n"
      "stapes_add_band r7, 5f\n"
      "5:\n"
      "pop  {r0}\n"
      "stmia r0, {r1-r6}\n"
      "str  r1, [r0, #24]\n"
      "strd r8, r9, [r0, #32]\n"
      "strd r10, r11, [r0, #40]\n"
      "pop  {r4-r11, pc}\n"
      ".purgem stapes_add_band\n");
}

// The mel channels of a spectrum, group by group.
class MelChannels {
 public:
  MelChannels(const FrontEndTables& tables, const ComplexInt* spectrum)
      : place_(FirstBin(tables, spectrum)),
        bins_(static_cast<uint32_t>(tables.last_bin - tables.first_bin) + 1) {
    sums_.ready = 0;
    sums_.weights = tables.mel_weights;
    sums_.band_bins = tables.band_bins;
    sums_.falling = 0;
    sums_.rising = 0;
  }

  // The next channels, 1 or more. What the first band falls towards counts as one, before all.
  void Next(uint64_t* channels, const uint64_t* end) {
    sums_.next = channels;
    sums_.end = end;
    sums_.left = *sums_.band_bins++;
    while (true) {
      AddBands(&sums_);
      if (sums_.ready <= 0) {
        return;
      }
      Fill();
    }
  }

 private:
  void Fill() {
    const uint32_t count = bins_ < kMagnitudesAtOnce ? bins_ : kMagnitudesAtOnce;
    NextMagnitudes(&place_, count, magnitudes_);
    bins_ -= count;
    sums_.ready = -static_cast<int32_t>(count);
    sums_.magnitudes = magnitudes_ + count;
    sums_.weights += count;
  }

  BinPlace place_;
  uint32_t bins_;  // still to come
  BandSums sums_;
  uint32_t magnitudes_[kMagnitudesAtOnce];
};

constexpr uint32_t kChannelsAtOnce = 40;

// Calls output(first, count, channels) for groups of the mel channels, lowest first.
template <typename Output>
inline void ForEachMelGroup(const FrontEndTables& tables, const ComplexInt* spectrum,
                            Output output) {
  MelChannels source(tables, spectrum);
  uint64_t channels[1 + kChannelsAtOnce];
  uint64_t* place = channels;
  for (uint32_t first = 0; first < tables.channel_count; first += kChannelsAtOnce) {
    const uint32_t rest = tables.channel_count - first;
    const uint32_t count = rest < kChannelsAtOnce ? rest : kChannelsAtOnce;
    source.Next(place, channels + 1 + count);
    place = channels + 1;
    output(first, count, place);
  }
}

}  // namespace helium
}  // namespace stapes

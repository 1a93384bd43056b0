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
  uint32_t count;              // channels up to the last one, 1 or more
  uint32_t left;               // bins of this band
  uint32_t reserved;
  uint64_t falling;  // this band's channel so far
  uint64_t rising;   // what this band has given the next one so far
};

// Up to the last channel, or until no magnitude waits: then `ready` is more than 0, and so many
// bins of this band are left.
// All registers are in use: more than an asm statement is sure to get.
__attribute__((naked, noinline)) inline void AddBands(BandSums*) {
  __asm__(
      ".macro stapes_load_four\n"
      "vctp.32 r7\n"
      "vpstt\n"
      "vldrwt.u32 q0, [r12], #16\n"
      "vldrht.u32 q1, [r0], #8\n"
      "subs r7, r7, #4\n"
      ".endm\n"
      ".macro stapes_add_bins\n"
      "9:\n"
      "stapes_load_four\n"
      "vmlaldava.u32 r8, r9, q0, q1\n"
      "vsub.i32 q1, q2, q1\n"
      "vmlaldava.u32 r10, r11, q0, q1\n"
      "bhi  9b\n"
      ".endm\n"
      ".macro stapes_next_band\n"
      "add  r12, r2, r1, lsl #2\n"
      "add  r0, r3, r1, lsl #1\n"
      "le   lr, 1b\n"
      "b    7f\n"
      ".endm\n"
      "push {r0, r4-r11, lr}\n"
      "ldrd r8, r9, [r0, #32]\n"
      "ldrd r10, r11, [r0, #40]\n"
      "ldmia r0, {r1-r7}\n"
      "dls  lr, r6\n"
      "vmov.i32 q2, #65536\n"
      "add  r12, r2, r1, lsl #2\n"
      "add  r0, r3, r1, lsl #1\n"
      "adds r1, r1, r7\n"
      "bgt  6f\n"
      "b    4f\n"
      "1:\n"  // four bins or less: the next channel's sum takes this one's registers
      "ldrh r7, [r4], #2\n"
      "adds r1, r1, r7\n"
      "bgt  5f\n"
      "stapes_load_four\n"
      "vmlaldava.u32 r8, r9, q0, q1\n"
      "bhi  3f\n"
      "strd r8, r9, [r5], #8\n"
      "vsub.i32 q1, q2, q1\n"
      "vmlaldav.u32 r8, r9, q0, q1\n"
      "stapes_next_band\n"
      "3:\n"
      "vsub.i32 q1, q2, q1\n"
      "vmlaldav.u32 r10, r11, q0, q1\n"
      "4:\n"
      "stapes_add_bins\n"
      "strd r8, r9, [r5], #8\n"
      "mov  r8, r10\n"
      "mov  r9, r11\n"
      "stapes_next_band\n"
      "5:\n"
      "movs r10, #0\n"
      "movs r11, #0\n"
      "6:\n"
      "subs r7, r7, r1\n"
      "beq  7f\n"
      "stapes_add_bins\n"
      "7:\n"
      "pop  {r0}\n"
      "mov  r6, lr\n"
      "mov  r7, r1\n"
      "stmia r0, {r1-r7}\n"
      "strd r8, r9, [r0, #32]\n"
      "strd r10, r11, [r0, #40]\n"
      "pop  {r4-r11, pc}\n"
      ".purgem stapes_load_four\n"
      ".purgem stapes_add_bins\n"
      ".purgem stapes_next_band\n");
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
  }

  // The next `count` channels, 1 or more. The falling part of the first band counts as a channel
  // before all others.
  void Next(uint32_t count, uint64_t* channels) {
    sums_.next = channels;
    sums_.count = count;
    sums_.left = *sums_.band_bins++;
    sums_.rising = 0;
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
__attribute__((always_inline)) inline void ForEachMelGroup(const FrontEndTables& tables,
                                                           const ComplexInt* spectrum,
                                                           Output output) {
  MelChannels source(tables, spectrum);
  uint64_t channels[1 + kChannelsAtOnce];
  uint32_t before = 1;
  for (uint32_t first = 0; first < tables.channel_count; first += kChannelsAtOnce) {
    const uint32_t rest = tables.channel_count - first;
    const uint32_t count = rest < kChannelsAtOnce ? rest : kChannelsAtOnce;
    source.Next(before + count, channels + 1 - before);
    before = 0;
    output(first, count, channels + 1);
  }
}

}  // namespace helium
}  // namespace stapes

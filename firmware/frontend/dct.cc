// SPDX-License-Identifier: Apache-2.0
#include "frontend/dct.h"

#include "base/fixed_point.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/dct.h"
#endif

namespace stapes {

#ifdef STAPES_USE_HELIUM

void Dct(const FrontEndTables& tables, int32_t* logs, int32_t* features) {
  const uint32_t channels = tables.channel_count;
  const uint32_t length = DctRowLength(channels);
  const uint32_t rows = tables.coefficient_count;
  helium::FoldAndSplit(logs, channels);
  helium::EverySecond(tables.dct, (rows + 1) / 2, length, logs, features);
  helium::EverySecond(tables.dct + length, rows / 2, length, logs + (channels + 1) / 2,
                      features + 1);
}

#else

namespace {

// Folds in place: logs[j] + logs[C-1-j] in the lower half, their differences in the upper half,
// where logs[C-1-j] was. Even coefficients need the sums only, odd ones the differences.
void Fold(int32_t* logs, uint32_t channels) {
  int32_t* high = logs + channels;
  for (int32_t* low = logs; low < --high; ++low) {
    const int32_t sum = Add(*low, *high);
    *high = Sub(*low, *high);
    *low = sum;
  }
}

// Every second coefficient, two at a time so that they share the loads of their numbers. Products
// of numbers (Q16) and factors (Qn), each in Qn and rounded down, are added up.
struct Twins {
  const int16_t* row;
  const int16_t* partner;  // two rows on
  int32_t* features;
  uint32_t count;
  const int32_t* numbers;
  uint32_t length;  // of a row: a multiple of 4
};

#ifdef STAPES_USE_ARM_DSP

// All registers are in use: more than an asm statement is sure to get.
__attribute__((naked, noinline)) void ComputeTwins(const Twins*) {
  __asm__(
      "push   {r4-r11, lr}\n"
      "ldrd   r4, r5, [r0, #16]\n"
      "ldmia  r0, {r1, r2, r3, r12}\n"
      "push   {r4, r5}\n"
      "1:\n"
      "ldrd   r0, lr, [sp]\n"
      "movs   r10, #0\n"
      "movs   r11, #0\n"
      "2:\n"
      "ldrd   r4, r5, [r1], #8\n"
      "ldrd   r6, r7, [r2], #8\n"
      "ldrd   r8, r9, [r0], #8\n"
      "smlawb r10, r8, r4, r10\n"
      "smlawb r11, r8, r6, r11\n"
      "smlawt r10, r9, r4, r10\n"
      "smlawt r11, r9, r6, r11\n"
      "ldrd   r8, r9, [r0], #8\n"
      "smlawb r10, r8, r5, r10\n"
      "smlawb r11, r8, r7, r11\n"
      "smlawt r10, r9, r5, r10\n"
      "smlawt r11, r9, r7, r11\n"
      "subs   lr, #4\n"
      "bne    2b\n"
      "str    r11, [r3, #8]\n"
      "str    r10, [r3], #16\n"
      "ldr    lr, [sp, #4]\n"
      "add    r1, r2, lr, lsl #1\n"  // the partner's row was read: one to skip
      "add    r2, r1, lr, lsl #2\n"
      "subs   r12, #1\n"
      "bne    1b\n"
      "add    sp, #8\n"
      "pop    {r4-r11, pc}\n");
}

#else

void ComputeTwins(const Twins* twins) {
  const uint32_t length = twins->length;
  for (uint32_t twin = 0; twin < twins->count; ++twin) {
    int32_t sums[2] = {0, 0};
    for (uint32_t i = 0; i < length; ++i) {
      const uint32_t place = 4 * twin * length + i;
      const int32_t number = twins->numbers[i];
      sums[0] = MulAddLowHalf(sums[0], number, static_cast<uint16_t>(twins->row[place]));
      sums[1] = MulAddLowHalf(sums[1], number, static_cast<uint16_t>(twins->partner[place]));
    }
    twins->features[4 * twin] = sums[0];
    twins->features[4 * twin + 2] = sums[1];
  }
}

#endif

// Every second coefficient from `first` on; `numbers`: what these are made of.
void EverySecond(const FrontEndTables& tables, uint32_t first, const int32_t* numbers,
                 int32_t* features) {
  const uint32_t length = DctRowLength(tables.channel_count);
  const uint32_t count = (tables.coefficient_count + 1 - first) / 2;
  const int16_t* const row = tables.dct + first * length;
  const Twins twins = {row, row + 2 * length, features + first, count / 2, numbers, length};
  if (twins.count != 0) {
    ComputeTwins(&twins);
  }
  if (count % 2 != 0) {
    int32_t sum = 0;
    const int16_t* const last = row + 2 * (count - 1) * length;
    for (uint32_t i = 0; i < length; ++i) {
      sum = MulAddLowHalf(sum, numbers[i], static_cast<uint16_t>(last[i]));
    }
    features[first + 2 * (count - 1)] = sum;
  }
}

}  // namespace

void Dct(const FrontEndTables& tables, int32_t* logs, int32_t* features) {
  const uint32_t channels = tables.channel_count;
  Fold(logs, channels);
  EverySecond(tables, 0, logs, features);
  EverySecond(tables, 1, logs + (channels + 1) / 2, features);
}

#endif

}  // namespace stapes

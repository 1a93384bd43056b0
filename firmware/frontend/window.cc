// SPDX-License-Identifier: Apache-2.0
#include "frontend/window.h"

#include "base/fixed_point.h"
#include "frontend/butterfly.h"

#ifdef STAPES_USE_HELIUM
#include "frontend/mve/window.h"
#endif

namespace stapes {

namespace {

// One pair of windowed samples, rounded to nearest.
inline ComplexInt Windowed(uint32_t pair, int32_t first_weight, int32_t second_weight, int shift) {
  const int32_t half = (1 << shift) >> 1;
  return {MulAddLowHalf(half, first_weight, pair) >> shift,
          MulAddHighHalf(half, second_weight, pair) >> shift};
}

// What the first stage makes of the pairs r and r + size / 2 lies next to each other, at the place
// 2 * (r in reverse order of bits).
class FirstStage {
 public:
  FirstStage(ComplexInt* output, int size_log2)
      : output_(output), index_shift_(32 - (size_log2 - 1)) {}

  void Put(uint32_t index, ComplexInt a, ComplexInt b) const {
    ComplexInt* const place = output_ + 2 * (ReverseBits(index) >> index_shift_);
    place[0] = {Add(a.re, b.re), Add(a.im, b.im)};
    place[1] = {Sub(a.re, b.re), Sub(a.im, b.im)};
  }

  // The partner of `a` is 0.
  void PutAlone(uint32_t index, ComplexInt a) const {
    ComplexInt* const place = output_ + 2 * (ReverseBits(index) >> index_shift_);
    place[0] = a;
    place[1] = a;
  }

 private:
  ComplexInt* output_;
  int index_shift_;
};

#ifdef STAPES_USE_HELIUM

// The first pair whose sum and difference the window's loop joins with those of an earlier pair, as
// the second stage does where it has radix 2; half the size: it joins none.
inline uint32_t FirstJoined(int size_log2) {
  return 1u << (size_log2 % 2 == 0 ? size_log2 - 2 : size_log2 - 1);
}

ComplexInt WindowedPair(const FrontEndTables& tables, const int16_t* samples, uint32_t pair,
                        int shift) {
  const uint32_t count = tables.window_samples;
  if (2 * pair >= count) {
    return {0, 0};
  }
  const bool rises = pair < (count + 2) / 4;
  const int32_t* const weight = tables.window + (rises ? 2 * pair : count - 2 * pair);
  if (2 * pair + 1 == count) {
    return Windowed(static_cast<uint16_t>(samples[2 * pair]), weight[0], 0, shift);
  }
  return Windowed(LoadPair(samples + 2 * pair), weight[0], weight[rises ? 1 : -1], shift);
}

// A pair and its partner, where fewer than four are left. Call it in the order of the pairs.
__attribute__((noinline)) void WindowOne(const FrontEndTables& tables, const int16_t* samples,
                                         uint32_t pair, int shift, ComplexInt* output) {
  const int size_log2 = tables.fft_log2 - 1;
  const ComplexInt a = WindowedPair(tables, samples, pair, shift);
  const ComplexInt b = WindowedPair(tables, samples, pair + (1u << (size_log2 - 1)), shift);
  FirstStage(output, size_log2).Put(pair, a, b);
  if (pair >= FirstJoined(size_log2)) {
    JoinFour(output + 2 * (ReverseBits(pair) >> (33 - size_log2)) - 2);
  }
}

}  // namespace

void ApplyWindow(const FrontEndTables& tables, const int16_t* samples, int shift,
                 ComplexInt* output) {
  const int size_log2 = tables.fft_log2 - 1;
  const uint32_t half_size = 1u << (size_log2 - 1);
  const uint32_t count = tables.window_samples;
  const uint32_t first_joined = FirstJoined(size_log2);
  uint32_t both = count / 2 - half_size;
  const uint32_t fours = (both < first_joined ? both : first_joined) / 4;
  uint32_t pair = 4 * fours;
  if (fours != 0) {
    const uint32_t joined_fours = both < first_joined ? 0 : (both - first_joined) / 4;
    helium::WindowBoth(samples, samples + 2 * half_size, tables.window,
                       tables.window + (count - 2 * half_size), fours, joined_fours, shift,
                       size_log2, output);
    pair += 4 * joined_fours;
  }
  for (both += count % 2; pair < both; ++pair) {
    WindowOne(tables, samples, pair, shift, output);
  }
  const uint32_t middle = (count + 2) / 4;
  const helium::Frame frame = {tables, samples, shift, output};
  if (pair < middle && pair < first_joined) {
    const uint32_t end = middle < first_joined ? middle : first_joined;
    helium::WindowAlone<false>(frame, 1, pair, end);
    pair = end;
  }
  if (pair < middle) {
    helium::WindowAlone<true>(frame, 1, pair, middle);
    pair = middle;
  }
  if (pair < half_size) {
    const bool joins = first_joined < half_size;
    (joins ? helium::WindowAlone<true> : helium::WindowAlone<false>)(frame, -1, pair, half_size);
  }
}

#else

// Pairs from `first` on lie in the rising half of the window, as many from `second` on in the
// falling one.
struct TwoRuns {
  const int16_t* first;
  const int16_t* second;
  const int32_t* rising;   // weight of the first sample, the next one's follows
  const int32_t* falling;  // weight of the first sample, the next one's comes before
};

#ifdef STAPES_USE_ARM_DSP

// Pointers to the last pairs, as the loop counts down: the index then needs no end.
struct TwoRunsBackwards {
  TwoRuns last;
  ComplexInt* output;
  uint32_t index;  // RBIT makes a distance in bytes of it
  uint32_t step;
  int32_t shift;
  int32_t half;
};

// All registers are in use: more than an asm statement is sure to get.
__attribute__((naked, noinline)) void WindowBackwards(const TwoRunsBackwards*) {
  __asm__(
      "push   {r4-r11, lr}\n"
      "ldmia  r0, {r1-r9}\n"
      "1:\n"
      "ldr    r0, [r1], #-4\n"
      "ldrd   r10, r11, [r3], #-8\n"
      "smlawb r10, r10, r0, r9\n"
      "smlawt r11, r11, r0, r9\n"
      "asr    r10, r10, r8\n"
      "asr    r11, r11, r8\n"
      "ldr    r0, [r2], #-4\n"
      "ldrd   lr, r12, [r4], #8\n"
      "smlawb r12, r12, r0, r9\n"
      "smlawt lr, lr, r0, r9\n"
      "asr    r12, r12, r8\n"
      "asr    lr, lr, r8\n"
      "add    r0, r10, r12\n"
      "sub    r10, r10, r12\n"
      "add    r12, r11, lr\n"
      "sub    r11, r11, lr\n"
      "rbit   lr, r6\n"
      "add    lr, lr, r5\n"
      "strd   r0, r12, [lr]\n"
      "strd   r10, r11, [lr, #8]\n"
      "subs   r6, r6, r7\n"
      "bpl    1b\n"
      "pop    {r4-r11, pc}\n");
}

void WindowBoth(const TwoRuns& runs, uint32_t count, int shift, int size_log2, ComplexInt* output) {
  if (count == 0) {
    return;
  }
  const uint32_t last = count - 1;
  const int index_shift = 29 - size_log2;
  const TwoRunsBackwards backwards = {{runs.first + 2 * last, runs.second + 2 * last,
                                       runs.rising + 2 * last, runs.falling - 2 * last - 1},
                                      output,
                                      last << index_shift,
                                      1u << index_shift,
                                      shift,
                                      (1 << shift) >> 1};
  WindowBackwards(&backwards);
}

#else

void WindowBoth(const TwoRuns& runs, uint32_t count, int shift, int size_log2, ComplexInt* output) {
  const FirstStage stage(output, size_log2);
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t* const rising = runs.rising + 2 * i;
    const int32_t* const falling = runs.falling - 2 * i;
    stage.Put(i, Windowed(LoadPair(runs.first + 2 * i), rising[0], rising[1], shift),
              Windowed(LoadPair(runs.second + 2 * i), falling[0], falling[-1], shift));
  }
}

#endif

}  // namespace

void ApplyWindow(const FrontEndTables& tables, const int16_t* samples, int shift,
                 ComplexInt* output) {
  const int size_log2 = tables.fft_log2 - 1;
  const uint32_t half_size = 1u << (size_log2 - 1);
  const uint32_t count = tables.window_samples;
  // The pair at half the size lies past the window's middle: the weights from there on fall, and
  // zeros follow.
  const TwoRuns runs = {samples, samples + 2 * half_size, tables.window,
                        tables.window + (count - 2 * half_size)};
  uint32_t pair = count / 2 - half_size;
  WindowBoth(runs, pair, shift, size_log2, output);
  const FirstStage stage(output, size_log2);
  const int16_t* first = samples + 2 * pair;
  const int32_t* weight = tables.window + 2 * pair;
  if (count % 2 != 0) {
    const uint32_t last_sample = static_cast<uint16_t>(samples[count - 1]);
    stage.Put(pair++, Windowed(LoadPair(first), weight[0], weight[1], shift),
              Windowed(last_sample, tables.window[1], 0, shift));
    first += 2;
    weight += 2;
  }
  for (const uint32_t middle = (count + 2) / 4; pair < middle; ++pair, first += 2, weight += 2) {
    stage.PutAlone(pair, Windowed(LoadPair(first), weight[0], weight[1], shift));
  }
  weight = tables.window + (count - 2 * pair);
  for (; pair < half_size; ++pair, first += 2, weight -= 2) {
    stage.PutAlone(pair, Windowed(LoadPair(first), weight[0], weight[-1], shift));
  }
}

#endif

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution for Arm cores with the DSP extension: four channels at a time, SMLAD over
// pairs of taps.
//
// Layout of a block of four channels: four sums to start from (bias, and input offset times
// weights), for each pair of taps one word per channel, four multipliers of DownScale, four powers.
#include "nn/kernels/depthwise.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP

#include "nn/kernels/dsp/dsp.h"
#include "nn/kernels/plain/depthwise.h"

namespace stapes {
namespace {

using namespace dsp;

constexpr int32_t kBlock = 4;

// What MultiplyBlocks reads; the assembly knows the layout.
struct Run {
  const int8_t* const* taps;
  uint32_t entry;  // bytes of the unrolled loop to skip at first
  const int8_t* const* taps_end;
  int32_t output_offset;
  int8_t* output;
  const int32_t* layout_end;
};

constexpr int32_t kStepBytes = 56;  // of code
constexpr int32_t kSteps = 5;       // unrolled: the taps of a 3 x 3 filter

// clang-format off
// A pair of taps against four channels. PKHBT and PKHTB pair the taps' bytes, so that SXTB16 gives
// both factors of a channel.
#define STAPES_DEPTHWISE_STEP              \
  "ldrd r6, r7, [r0], #8\n"                \
  "ldr r6, [r6, lr]\n"                     \
  "ldr r7, [r7, lr]\n"                     \
  "ldmia r1!, {r9, r10, r11, r12}\n"       \
  "pkhbt r8, r6, r7, lsl #16\n"            \
  "pkhtb r7, r7, r6, asr #16\n"            \
  "sxtb16 r6, r8\n"                        \
  "smlad r2, r6, r9, r2\n"                 \
  "sxtb16 r6, r8, ror #8\n"                \
  "smlad r3, r6, r10, r3\n"                \
  "sxtb16 r6, r7\n"                        \
  "smlad r4, r6, r11, r4\n"                \
  "sxtb16 r6, r7, ror #8\n"                \
  "smlad r5, r6, r12, r5\n"

// Blocks from `layout` to run->layout_end, the first at `channel`.
__attribute__((naked, noinline)) void MultiplyBlocks(const Run*, const int32_t*, int32_t) {
  __asm__(
      "push {r4-r11, lr}\n"
      "sub sp, #24\n"
      "mov lr, r2\n"
      "ldm r0, {r2, r3, r4, r5, r6, r7}\n"
      "adr r8, 1f\n"
      "add r3, r8\n"
      "adds r3, #1\n"
      "stm sp, {r2, r3, r4, r5, r6, r7}\n"
      "0:\n"
      "ldmia r1!, {r2, r3, r4, r5}\n"
      "ldrd r0, r6, [sp]\n"
      "bx r6\n"
      ".p2align 2\n"
      "1:\n" STAPES_DEPTHWISE_STEP STAPES_DEPTHWISE_STEP STAPES_DEPTHWISE_STEP
      STAPES_DEPTHWISE_STEP STAPES_DEPTHWISE_STEP
      "ldr r6, [sp, #8]\n"
      "cmp r0, r6\n"
      "bne 1b\n"
      "ldmia r1!, {r6, r7, r8, r9}\n"
      "smmlar r2, r2, r6, r2\n"
      "smmlar r3, r3, r7, r3\n"
      "smmlar r4, r4, r8, r4\n"
      "smmlar r5, r5, r9, r5\n"
      "add r2, r2, r2, asr #31\n"
      "add r3, r3, r3, asr #31\n"
      "add r4, r4, r4, asr #31\n"
      "add r5, r5, r5, asr #31\n"
      "ldmia r1!, {r6, r7, r8, r9}\n"
      "ldrd r10, r11, [sp, #12]\n"
      "smmlsr r2, r2, r6, r10\n"
      "smmlsr r3, r3, r7, r10\n"
      "smmlsr r4, r4, r8, r10\n"
      "smmlsr r5, r5, r9, r10\n"
      "ssat r2, #8, r2\n"
      "ssat r3, #8, r3\n"
      "ssat r4, #8, r4\n"
      "ssat r5, #8, r5\n"
      "bfi r2, r3, #8, #8\n"
      "bfi r4, r5, #8, #8\n"
      "pkhbt r2, r2, r4, lsl #16\n"
      "str r2, [r11, lr]\n"
      "ldr r6, [sp, #20]\n"
      "add lr, #4\n"
      "cmp r1, r6\n"
      "bne 0b\n"
      "add sp, #24\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

// First channel of the block at `channel`: the last block overlaps the one before if the count is
// no multiple of kBlock.
int32_t BlockStart(const DepthwiseShape& shape, int32_t channel) {
  return channel + kBlock <= shape.channels ? channel : shape.channels - kBlock;
}

// One pair of taps: a word per channel in `to`, the factors' sums added to `sums`.
void LayPair(const int8_t* low_tap, const int8_t* high_tap, uint32_t* to, int32_t* sums) {
  const uint32_t low = LoadWord(low_tap);
  const uint32_t high = high_tap == nullptr ? 0 : LoadWord(high_tap);
  const uint32_t first = PackLow(low, high);
  const uint32_t second = PackHigh(high, low);
  const uint32_t pairs[kBlock] = {WidenEven(first), WidenOdd(first), WidenEven(second),
                                  WidenOdd(second)};
  for (int32_t i = 0; i < kBlock; ++i) {
    to[i] = pairs[i];
    sums[i] = MultiplyPairs(to[i], 0x00010001, sums[i]);
  }
}

int32_t* LayBlock(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t channel, int32_t* to) {
  int32_t sums[kBlock] = {};
  int32_t* const start = to;
  weights += channel;
  for (int32_t tap = 0; tap < shape.taps; tap += 2, weights += 2 * shape.channels) {
    to += kBlock;
    LayPair(weights, tap + 1 < shape.taps ? weights + shape.channels : nullptr,
            reinterpret_cast<uint32_t*>(to), sums);
  }
  to += kBlock;
  for (int32_t i = 0; i < kBlock; ++i) {
    const DownScale scale = scaling.Down(channel + i);
    start[i] = WrappingAdd(scaling.Bias(channel + i), shape.input_offset * sums[i]);
    to[i] = scale.twice;
    to[kBlock + i] = scale.negative_power;
  }
  return to + 2 * kBlock;
}

// Elsewhere the plain loops do the work.
bool HasBlocks(const DepthwiseShape& shape, const Scaling& scaling) {
  return shape.channels >= kBlock && scaling.fast;
}

}  // namespace

void LayDepthwise(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t* layout) {
  if (!HasBlocks(shape, scaling)) {
    return;
  }
  for (int32_t channel = 0; channel < shape.channels; channel += kBlock) {
    layout = LayBlock(shape, scaling, weights, BlockStart(shape, channel), layout);
  }
}

void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output) {
  if (!HasBlocks(shape, scaling)) {
    plain::SumTaps(shape, scaling, weights, layout, taps, output);
    return;
  }
  const int32_t pairs = (shape.taps + 1) / 2;
  const int32_t words = kBlock * (pairs + 3);
  const int32_t whole = shape.channels / kBlock;
  const int32_t skipped = (kSteps - pairs % kSteps) % kSteps;
  Run run = {taps,
             static_cast<uint32_t>(skipped * kStepBytes),
             taps + 2 * pairs,
             scaling.output_offset,
             output,
             layout + whole * words};
  MultiplyBlocks(&run, layout, 0);
  if (whole * kBlock != shape.channels) {
    layout += whole * words;
    run.layout_end = layout + words;
    MultiplyBlocks(&run, layout, shape.channels - kBlock);
  }
  ClampOutputs(scaling, output, shape.channels);
}

}  // namespace stapes

#endif  // STAPES_KERNELS_DSP

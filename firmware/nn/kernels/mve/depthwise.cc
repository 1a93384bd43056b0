// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution with Helium: sixteen channels at a time.
//
// Products of two taps add up in 16 bits, which holds them unless a weight is -128 (then the plain
// loops do the work); pairs add up in 32 bits. VMULLB and VMULLT take even and odd channels, and so
// do VMOVLB and, for the upper halves, VQDMLAH by 2^15: vector i of four holds the channels i,
// i + 4, i + 8, i + 12 of a block.
//
// Layout: a word that says whether blocks can be used; for each block four vectors of sums to start
// from (bias, and input offset times weights), its weights tap by tap, and for each vector four
// significands and four shifts of a byte.
#include "nn/kernels/plain/depthwise.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {
namespace {

constexpr int32_t kBlock = 16;
constexpr int32_t kVectors = 4;
constexpr int32_t kMaxTaps = 255;         // their weights add up in 16 bits
constexpr uint32_t kFarthest = 1u << 30;  // a start from which no sum saturates
static_assert(kMaxTaps * 127 * 128 < kFarthest, "sums stay near their start");

int32_t BlockBytes(const DepthwiseShape& shape) { return 9 * kBlock + kBlock * shape.taps; }

bool HasBlocks(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights) {
  if (shape.channels < kBlock || shape.taps > kMaxTaps || !scaling.fast) {
    return false;
  }
  int8_t least = INT8_MAX;
  for (int32_t i = 0; i < shape.channels * shape.taps; i += kBlock) {
    const auto left = static_cast<uint32_t>(shape.channels * shape.taps - i);
    const mve_pred16_t inside = vctp8q(left);
    least = vminvq_p_s8(least, vldrbq_z_s8(weights + i, inside), inside);
  }
  return least != INT8_MIN;
}

// Copies the weights of all taps and adds them up; returns what follows them.
int8_t* LayWeights(const DepthwiseShape& shape, const int8_t* weights, int8_t* to, int16_t* sums) {
  int16x8_t low = vdupq_n_s16(0);
  int16x8_t high = vdupq_n_s16(0);
  for (int32_t tap = 0; tap < shape.taps; ++tap, weights += shape.channels, to += kBlock) {
    vstrbq_s8(to, vldrbq_s8(weights));
    low = vaddq_s16(low, vldrbq_s16(weights));
    high = vaddq_s16(high, vldrbq_s16(weights + 8));
  }
  vst1q_s16(sums, low);
  vst1q_s16(sums + 8, high);
  return to;
}

// Returns whether all sums start near enough to zero.
bool LayBlock(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
              int32_t first, int8_t* to) {
  int16_t sums[kBlock];
  const Scaling rest = scaling.From(first);
  int8_t* scales = LayWeights(shape, weights + first, to + 4 * kBlock, sums);
  const uint32x4_t channels = vidupq_n_u32(0, kVectors);
  const uint32x4_t places = vmulq_n_u32(channels, static_cast<uint32_t>(scaling.channel_step));
  uint32_t farthest = 0;
  for (int32_t i = 0; i < kVectors; ++i, to += kBlock, scales += 5 * kVectors) {
    const int32_t place = i * scaling.channel_step;
    int32x4_t starts =
        vmulq_n_s32(vldrhq_gather_shifted_offset_s32(sums + i, channels), shape.input_offset);
    if (rest.bias != nullptr) {
      starts = vaddq_s32(starts, vldrwq_gather_shifted_offset_s32(rest.bias + i, channels));
    }
    farthest = vmaxavq_s32(farthest, starts);
    vst1q_s32(reinterpret_cast<int32_t*>(to), starts);
    vst1q_s32(reinterpret_cast<int32_t*>(scales),
              vldrwq_gather_shifted_offset_s32(rest.significands + place, places));
    vstrbq_s32(scales + 4 * kVectors, vldrbq_gather_offset_s32(rest.shifts + place, places));
  }
  return farthest < kFarthest;
}

// What MultiplyBlocks reads; the assembly knows the layout.
struct Pixel {
  int32_t odd_taps;  // 1 with a tap that has no partner
  const int8_t* const* taps;
  int32_t pairs;
  int8_t* output;
  int32_t output_offset;
};
static_assert(sizeof(Pixel) == 20, "MultiplyBlocks reads it by position");

// clang-format off
// A tap of r4: products of even channels in q2, of odd ones in q3.
#define STAPES_MULTIPLY_TAP      \
  "vldrb.8 q0, [r4]\n"           \
  "vldrb.8 q1, [r1], #16\n"      \
  "vmullb.s8 q2, q0, q1\n"       \
  "vmullt.s8 q3, q0, q1\n"

// Adds 16-bit sums to those of 32 bits.
#define STAPES_ADD_UP            \
  "vqdmlah.s32 q6, q2, r7\n"     \
  "vqdmlah.s32 q7, q3, r7\n"     \
  "vmovlb.s16 q2, q2\n"          \
  "vmovlb.s16 q3, q3\n"          \
  "vadd.i32 q4, q4, q2\n"        \
  "vadd.i32 q5, q5, q3\n"

// As in scaling.cc.
#define STAPES_SCALE(sums)                   \
  "vldrw.32 q0, [r1], #16\n"                 \
  "vldrb.s32 q1, [r1], #4\n"                 \
  "vqrdmulh.s32 " sums ", " sums ", q0\n"    \
  "vqdmlah.s32 " sums ", " sums ", r5\n"     \
  "vrshl.s32 " sums ", " sums ", q1\n"

// `blocks` blocks laid out from `layout` on, the first at `channel`. All vector registers are in
// use: one factor is loaded twice.
__attribute__((naked, noinline)) void MultiplyBlocks(const Pixel*, const int8_t*, int32_t,
                                                     int32_t) {
  __asm__(
      "push {r4-r11, lr}\n"
      "vpush {d8-d15}\n"
      "mov r12, r3\n"
      "ldm r0, {r3, r8, r9, r10, r11}\n"
      "mov r7, #0x8000\n"
      "0:\n"
      "vldrw.32 q4, [r1], #16\n"
      "vldrw.32 q5, [r1], #16\n"
      "vldrw.32 q6, [r1], #16\n"
      "vldrw.32 q7, [r1], #16\n"
      "mov r6, r8\n"
      "wls lr, r9, 2f\n"
      "1:\n"
      "ldrd r4, r5, [r6], #8\n"
      "add r4, r2\n"
      "add r5, r2\n"
      STAPES_MULTIPLY_TAP
      "vldrb.8 q0, [r5]\n"
      "vldrb.8 q1, [r1], #16\n"
      "vmullb.s8 q0, q0, q1\n"
      "vadd.i16 q2, q2, q0\n"
      "vldrb.8 q0, [r5]\n"
      "vmullt.s8 q0, q0, q1\n"
      "vadd.i16 q3, q3, q0\n"
      STAPES_ADD_UP
      "le lr, 1b\n"
      "2:\n"
      "cbz r3, 3f\n"
      "ldr r4, [r6]\n"
      "add r4, r2\n"
      STAPES_MULTIPLY_TAP
      STAPES_ADD_UP
      "3:\n"
      "mov r5, #1\n"
      STAPES_SCALE("q4")
      STAPES_SCALE("q5")
      STAPES_SCALE("q6")
      STAPES_SCALE("q7")
      "vqmovnb.s32 q0, q4\n"
      "vqmovnt.s32 q0, q6\n"
      "vqmovnb.s32 q1, q5\n"
      "vqmovnt.s32 q1, q7\n"
      "vqadd.s16 q0, q0, r11\n"
      "vqadd.s16 q1, q1, r11\n"
      "vqmovnb.s16 q2, q0\n"
      "vqmovnt.s16 q2, q1\n"
      "add r4, r10, r2\n"
      "vstrb.8 q2, [r4]\n"
      "add r2, #16\n"
      "subs r12, #1\n"
      "bne 0b\n"
      "vpop {d8-d15}\n"
      "pop {r4-r11, pc}\n");
}
// clang-format on

void BoundOutputs(const Scaling& scaling, int32_t channels, int8_t* output) {
  if (scaling.low <= INT8_MIN && scaling.high >= INT8_MAX) {
    return;
  }
  const int8x16_t low = vdupq_n_s8(static_cast<int8_t>(scaling.low));
  const int8x16_t high = vdupq_n_s8(static_cast<int8_t>(scaling.high));
  for (int32_t i = 0; i < channels; i += kBlock) {
    const mve_pred16_t inside = vctp8q(static_cast<uint32_t>(channels - i));
    const int8x16_t values = vldrbq_z_s8(output + i, inside);
    vstrbq_p_s8(output + i, vminq_s8(vmaxq_s8(values, low), high), inside);
  }
}

}  // namespace

void LayDepthwise(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t* layout) {
  bool has_blocks = HasBlocks(shape, scaling, weights);
  int8_t* to = reinterpret_cast<int8_t*>(layout + 1);
  for (int32_t channel = 0; has_blocks && channel < shape.channels; channel += kBlock) {
    // The last block overlaps the one before if the count is no multiple of kBlock.
    const int32_t last = shape.channels - kBlock;
    has_blocks = LayBlock(shape, scaling, weights, channel < last ? channel : last, to);
    to += BlockBytes(shape);
  }
  layout[0] = has_blocks ? 1 : 0;
}

void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output) {
  if (layout[0] == 0) {
    plain::SumTaps(shape, scaling, weights, layout + 1, taps, output);
    return;
  }
  const Pixel pixel = {shape.taps & 1, taps, shape.taps >> 1, output, scaling.output_offset};
  const int8_t* const blocks = reinterpret_cast<const int8_t*>(layout + 1);
  const int32_t whole = shape.channels >> 4;
  static_assert(kBlock == 1 << 4, "a division by shifting");
  MultiplyBlocks(&pixel, blocks, 0, whole);
  if (whole * kBlock != shape.channels) {
    MultiplyBlocks(&pixel, blocks + whole * BlockBytes(shape), shape.channels - kBlock, 1);
  }
  BoundOutputs(scaling, shape.channels, output);
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

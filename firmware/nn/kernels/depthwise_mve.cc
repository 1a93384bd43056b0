// Depthwise convolution with Helium: sixteen channels at a time.
//
// Products of two taps add up in 16 bits, which holds them unless a weight is -128 (then the plain
// loops do the work); pairs add up in 32 bits. VMULLB and VMULLT take even and odd channels, VMOVLB
// and VMOVLT again: vector i of four holds the channels i, i + 4, i + 8, i + 12 of a block.
//
// Layout: for each block and vector the sums to start from (bias, and input offset times weights),
// significands, shifts.
#include "nn/kernels/depthwise_plain.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/helium.h"

namespace stapes {
namespace {

constexpr int32_t kBlock = 16;
constexpr int32_t kVectors = 4;
constexpr int32_t kMaxTaps = 255;  // their weights add up in 16 bits
constexpr int32_t kBlockWords = 3 * kBlock;
static_assert(DepthwiseBytes(kBlock, 1) >= 4 * (kBlockWords + kVectors), "room for the layout");

int32_t Blocks(const DepthwiseShape& shape) { return (shape.channels + kBlock - 1) / kBlock; }

// The last block of an uneven count overlaps the one before.
int32_t BlockStart(const DepthwiseShape& shape, int32_t block) {
  const int32_t start = block * kBlock;
  return start + kBlock <= shape.channels ? start : shape.channels - kBlock;
}

// The layout starts with a word that says whether blocks can be used.
bool HasBlocks(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights) {
  if (shape.channels < kBlock || shape.taps > kMaxTaps || !scaling.fast) return false;
  int8_t least = INT8_MAX;
  for (int32_t i = 0; i < shape.channels * shape.taps; i += kBlock) {
    const auto left = static_cast<uint32_t>(shape.channels * shape.taps - i);
    const mve_pred16_t inside = vctp8q(left);
    least = vminvq_p_s8(least, vldrbq_z_s8(weights + i, inside), inside);
  }
  return least != INT8_MIN;
}

// Sums of all taps' weights, two vectors of eight channels.
void SumWeights(const DepthwiseShape& shape, const int8_t* weights, int16_t* sums) {
  for (int32_t half = 0; half < kBlock; half += 8) {
    int16x8_t eight = vdupq_n_s16(0);
    for (int32_t tap = 0; tap < shape.taps; ++tap) {
      eight = vaddq_s16(eight, vldrbq_s16(weights + tap * shape.channels + half));
    }
    vst1q_s16(sums + half, eight);
  }
}

void LayBlock(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
              int32_t first, int32_t* to) {
  int16_t sums[kBlock];
  SumWeights(shape, weights + first, sums);
  for (int32_t i = 0; i < kBlock; ++i) {
    const int32_t channel = first + i;
    int32_t* const at = to + i % kVectors * 3 * kVectors + i / kVectors;
    at[0] = WrappingAdd(scaling.Bias(channel), shape.input_offset * sums[i]);
    at[kVectors] = scaling.Significand(channel);
    at[2 * kVectors] = scaling.Shift(channel);
  }
}

struct Sums {
  int32x4_t even, odd, even_high, odd_high;  // channels from 0, 1, 2, 3 on
};

// One pair of taps after the other; `weights` at the first channel. All vector registers are in
// use: one factor is loaded twice.
inline void AddPairs(const int8_t* const* taps, int32_t channel, const int8_t* weights,
                     int32_t channels, int32_t pairs, Sums* sums) {
  const int8_t* a;
  const int8_t* b;
  __asm__ volatile(
      "wls lr, %[pairs], 1f\n"
      "2:\n"
      "ldr %[a], [%[taps]], #4\n"
      "ldr %[b], [%[taps]], #4\n"
      "add %[a], %[channel]\n"
      "add %[b], %[channel]\n"
      "vldrb.8 q0, [%[a]]\n"
      "vldrb.8 q1, [%[weights]]\n"
      "add %[weights], %[channels]\n"
      "vmullb.s8 q2, q0, q1\n"
      "vmullt.s8 q3, q0, q1\n"
      "vldrb.8 q0, [%[b]]\n"
      "vldrb.8 q1, [%[weights]]\n"
      "add %[weights], %[channels]\n"
      "vmullb.s8 q0, q0, q1\n"
      "vadd.i16 q2, q2, q0\n"
      "vldrb.8 q0, [%[b]]\n"
      "vmullt.s8 q0, q0, q1\n"
      "vadd.i16 q3, q3, q0\n"
      "vmovlb.s16 q0, q2\n"
      "vmovlt.s16 q2, q2\n"
      "vadd.i32 %q[even], %q[even], q0\n"
      "vadd.i32 %q[even_high], %q[even_high], q2\n"
      "vmovlb.s16 q0, q3\n"
      "vmovlt.s16 q3, q3\n"
      "vadd.i32 %q[odd], %q[odd], q0\n"
      "vadd.i32 %q[odd_high], %q[odd_high], q3\n"
      "le lr, 2b\n"
      "1:\n"
      : [taps] "+r"(taps), [weights] "+r"(weights), [a] "=&r"(a), [b] "=&r"(b),
        [even] "+w"(sums->even), [odd] "+w"(sums->odd), [even_high] "+w"(sums->even_high),
        [odd_high] "+w"(sums->odd_high)
      : [channel] "r"(channel), [channels] "r"(channels), [pairs] "r"(pairs)
      : "lr", "q0", "q1", "q2", "q3", "memory");
}

inline Sums MultiplyTaps(const DepthwiseShape& shape, const int8_t* weights, const int32_t* layout,
                         const int8_t* const* taps, int32_t channel) {
  Sums sums = {vld1q_s32(layout), vld1q_s32(layout + 3 * kVectors),
               vld1q_s32(layout + 6 * kVectors), vld1q_s32(layout + 9 * kVectors)};
  AddPairs(taps, channel, weights + channel, shape.channels, shape.taps / 2, &sums);
  if (shape.taps % 2 != 0) {
    const int32_t last = shape.taps - 1;
    const int8x16_t a = vldrbq_s8(taps[last] + channel);
    const int8x16_t v = vldrbq_s8(weights + last * shape.channels + channel);
    const int16x8_t even = vmullbq_int_s8(a, v);
    const int16x8_t odd = vmulltq_int_s8(a, v);
    sums.even = vaddq_s32(sums.even, vmovlbq_s16(even));
    sums.odd = vaddq_s32(sums.odd, vmovlbq_s16(odd));
    sums.even_high = vaddq_s32(sums.even_high, vmovltq_s16(even));
    sums.odd_high = vaddq_s32(sums.odd_high, vmovltq_s16(odd));
  }
  return sums;
}

[[gnu::always_inline]] inline int32x4_t Scale(int32x4_t sums, const int32_t* layout,
                                              int32_t offset) {
  const helium::Scales scales = {vld1q_s32(layout + kVectors), vld1q_s32(layout + 2 * kVectors)};
  return vaddq_n_s32(helium::Requantize(sums, scales), offset);
}

// Scales, saturates and puts the channels back in order.
inline int8x16_t Finish(const Sums& sums, const int32_t* layout, int32_t offset) {
  int16x8_t even = vuninitializedq_s16();
  even = vqmovnbq_s32(even, Scale(sums.even, layout, offset));
  even = vqmovntq_s32(even, Scale(sums.even_high, layout + 6 * kVectors, offset));
  int16x8_t odd = vuninitializedq_s16();
  odd = vqmovnbq_s32(odd, Scale(sums.odd, layout + 3 * kVectors, offset));
  odd = vqmovntq_s32(odd, Scale(sums.odd_high, layout + 9 * kVectors, offset));
  return vqmovntq_s16(vqmovnbq_s16(vuninitializedq_s8(), even), odd);
}

}  // namespace

void LayDepthwise(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                  int32_t* layout) {
  layout[0] = HasBlocks(shape, scaling, weights) ? 1 : 0;
  if (layout[0] == 0) return;
  for (int32_t block = 0; block < Blocks(shape); ++block) {
    LayBlock(shape, scaling, weights, BlockStart(shape, block), layout + 1 + block * kBlockWords);
  }
}

void DepthwisePixel(const DepthwiseShape& shape, const Scaling& scaling, const int8_t* weights,
                    int32_t* layout, const int8_t* const* taps, int8_t* output) {
  if (layout[0] == 0) {
    plain::SumTaps(shape, scaling, weights, layout + 1, taps, output);
    return;
  }
  const int8x16_t low = vdupq_n_s8(static_cast<int8_t>(scaling.low));
  const int8x16_t high = vdupq_n_s8(static_cast<int8_t>(scaling.high));
  const int32_t* at = layout + 1;
  for (int32_t block = 0; block < Blocks(shape); ++block, at += kBlockWords) {
    const int32_t channel = BlockStart(shape, block);
    const Sums sums = MultiplyTaps(shape, weights, at, taps, channel);
    const int8x16_t outputs = Finish(sums, at, scaling.output_offset);
    vstrbq_s8(output + channel, vminq_s8(vmaxq_s8(outputs, low), high));
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution over time with Helium: VMLADAV takes all taps of an output at once.
//
// Inputs and weights are transposed, eight channels at a time, so that the values of a channel lie
// one after the other. An output needs the values from its first tap on: one load, at any byte.
#include "nn/kernels/depthwise.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {
namespace {

constexpr int32_t kTurned = 8;     // channels
constexpr int32_t kTogether = 4;   // channels whose outputs one vector takes
constexpr int32_t kMostTaps = 16;  // bytes of a vector
constexpr int32_t kMostPitch = UINT16_MAX / kTurned;

// Turns `count` values of eight channels, `step` bytes apart: those of a channel follow each other,
// channels lie `pitch` bytes apart.
void Turn(const int8_t* from, int32_t step, int32_t count, int32_t pitch, int8_t* to) {
  const uint16x8_t places = vmulq_n_u16(vidupq_n_u16(0, 1), static_cast<uint16_t>(pitch));
  __asm__ volatile(
      "wls lr, %[pairs], 2f\n"
      "1:\n"
      "vldrb.u16 q0, [%[from]]\n"
      "add %[from], %[from], %[step]\n"
      "vstrb.16 q0, [%[to], %q[places]]\n"
      "vldrb.u16 q0, [%[from]]\n"
      "add %[from], %[from], %[step]\n"
      "vstrb.16 q0, [%[to], %q[next_places]]\n"
      "add %[to], %[to], #2\n"
      "le lr, 1b\n"
      "2:\n"
      "tst %[count], #1\n"
      "beq 3f\n"
      "vldrb.u16 q0, [%[from]]\n"
      "vstrb.16 q0, [%[to], %q[places]]\n"
      "3:\n"
      : [from] "+l"(from), [to] "+r"(to)
      : [count] "r"(count), [pairs] "r"(count / 2), [step] "r"(step), [places] "w"(places),
        [next_places] "w"(vaddq_n_u16(places, 1))
      : "lr", "q0", "cc", "memory");
}

// Sixteen bytes at a time.
void Fill(int8_t* to, int32_t bytes, int8_t value) {
  for (int32_t i = 0; i < bytes; i += 16) {
    vstrbq_s8(to + i, vdupq_n_s8(value));
  }
}

// Bias, and input offset times the sums of the weights.
int32x4_t Starts(const Scaling& scaling, int32_t first, int32_t input_offset,
                 const int8x16_t* weights) {
  int32x4_t sums = vdupq_n_s32(0);
  sums = vsetq_lane_s32(vaddvq_s8(weights[0]), sums, 0);
  sums = vsetq_lane_s32(vaddvq_s8(weights[1]), sums, 1);
  sums = vsetq_lane_s32(vaddvq_s8(weights[2]), sums, 2);
  sums = vsetq_lane_s32(vaddvq_s8(weights[3]), sums, 3);
  sums = vmulq_n_s32(sums, input_offset);
  return scaling.bias == nullptr ? sums : vaddq_s32(sums, vld1q_s32(scaling.bias + first));
}

helium::Scales ReadScales(const Scaling& scaling, int32_t first) {
  if (scaling.channel_step == 0) {
    return {vdupq_n_s32(scaling.significands[0]), vdupq_n_s32(scaling.shifts[0])};
  }
  return {vld1q_s32(scaling.significands + first), vldrbq_s32(scaling.shifts + first)};
}

// `count` outputs, 1 or more, of four channels from `first` on, whose values lie at `values`.
__attribute__((noinline)) void SumFour(const DepthwiseShape& shape, const Scaling& scaling,
                                       int32_t first, const int8_t* turned_weights,
                                       const int8_t* values, int32_t pitch, int32_t count,
                                       int8_t* output) {
  const int8x16_t weights[kTogether] = {
      vldrbq_s8(turned_weights), vldrbq_s8(turned_weights + kMostTaps),
      vldrbq_s8(turned_weights + 2 * kMostTaps), vldrbq_s8(turned_weights + 3 * kMostTaps)};
  const int32x4_t start = Starts(scaling, first, shape.input_offset, weights);
  const helium::Scales scales = ReadScales(scaling, first);
  const int8_t* values1 = values + pitch;
  const int8_t* values2 = values1 + pitch;
  const int8_t* values3 = values2 + pitch;
  int32_t sum0, sum1, sum2, sum3;
  output += first;
  register int32_t left __asm__("lr") = count;
  __asm__ volatile(
      "dls lr, lr\n"
      "1:\n"
      "vldrb.8 q0, [%[values0]], #1\n"
      "vmladav.s8 %[sum0], q0, %q[weights0]\n"
      "vldrb.8 q0, [%[values1]], #1\n"
      "vmladav.s8 %[sum1], q0, %q[weights1]\n"
      "vldrb.8 q0, [%[values2]], #1\n"
      "vmladav.s8 %[sum2], q0, %q[weights2]\n"
      "vldrb.8 q0, [%[values3]], #1\n"
      "vmladav.s8 %[sum3], q0, %q[weights3]\n"
      "vmov q0[2], q0[0], %[sum0], %[sum2]\n"
      "vmov q0[3], q0[1], %[sum1], %[sum3]\n"
      "vadd.i32 q0, q0, %q[start]\n"
      "vqrdmulh.s32 q0, q0, %q[significands]\n"
      "vqdmlah.s32 q0, q0, %[one]\n"
      "vrshl.s32 q0, q0, %q[shifts]\n"
      "vqmovnb.s32 q0, q0\n"
      "vqadd.s16 q0, q0, %[offset]\n"
      "vqmovnb.s16 q0, q0\n"
      "vstrb.32 q0, [%[output]]\n"
      "add %[output], %[output], %[channels]\n"
      "le lr, 1b\n"
      : [values0] "+r"(values), [values1] "+r"(values1), [values2] "+r"(values2),
        [values3] "+r"(values3), [sum0] "=&Te"(sum0), [sum1] "=&Te"(sum1), [sum2] "=&Te"(sum2),
        [sum3] "=&Te"(sum3), [output] "+l"(output), "+r"(left)
      : [one] "r"(1), [offset] "r"(scaling.output_offset), [channels] "r"(shape.channels),
        [weights0] "w"(weights[0]), [weights1] "w"(weights[1]), [weights2] "w"(weights[2]),
        [weights3] "w"(weights[3]), [start] "w"(start), [significands] "w"(scales.significands),
        [shifts] "w"(scales.shifts)
      : "q0", "memory");
}

void BoundOutputs(const Scaling& scaling, int32_t count, int8_t* output) {
  if (scaling.low <= INT8_MIN && scaling.high >= INT8_MAX) {
    return;
  }
  const int8x16_t low = vdupq_n_s8(static_cast<int8_t>(scaling.low));
  const int8x16_t high = vdupq_n_s8(static_cast<int8_t>(scaling.high));
  for (int32_t i = 0; i < count; i += 16) {
    const mve_pred16_t inside = vctp8q(static_cast<uint32_t>(count - i));
    const int8x16_t values = vldrbq_z_s8(output + i, inside);
    vstrbq_p_s8(output + i, vminq_s8(vmaxq_s8(values, low), high), inside);
  }
}

}  // namespace

bool DepthwiseOverTime(const DepthwiseShape& shape, const TimeShape& time, const Scaling& scaling,
                       const int8_t* weights, const int8_t* input, int8_t* memory,
                       int32_t memory_bytes, int8_t* output) {
  // What the last output takes, in whole vectors of all eight channels.
  const int32_t pitch = (time.outputs + kMostTaps) & ~1;
  int8_t* const turned_weights = memory;
  int8_t* const turned = memory + kTurned * kMostTaps;
  if (shape.channels % kTurned != 0 || shape.taps > kMostTaps || !scaling.fast ||
      pitch > kMostPitch || memory_bytes < kTurned * (kMostTaps + pitch)) {
    return false;
  }
  const int32_t seen = time.outputs + shape.taps - 1 - time.pad;
  const int32_t inputs = seen < time.inputs ? seen : time.inputs;
  Fill(turned_weights, kTurned * kMostTaps, 0);
  Fill(turned, kTurned * pitch, static_cast<int8_t>(-shape.input_offset));
  for (int32_t first = 0; first < shape.channels; first += kTurned) {
    Turn(weights + first, shape.channels, shape.taps, kMostTaps, turned_weights);
    Turn(input + first, shape.channels, inputs, pitch, turned + time.pad);
    for (int32_t i = 0; i < kTurned; i += kTogether) {
      SumFour(shape, scaling, first + i, turned_weights + i * kMostTaps, turned + i * pitch, pitch,
              time.outputs, output);
    }
  }
  BoundOutputs(scaling, time.outputs * shape.channels, output);
  return true;
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

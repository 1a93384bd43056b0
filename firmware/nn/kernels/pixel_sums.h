// Sums over neighbouring pixels, for a few channels at a time.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP
#include "nn/kernels/dsp.h"
#elif STAPES_KERNELS_MVE
#include <arm_mve.h>
#endif

namespace stapes {

#if STAPES_KERNELS_MVE
constexpr int32_t kPixelSums = 16;
#else
constexpr int32_t kPixelSums = 4;
#endif

// sums[i] += channel i of `count` pixels, `step` bytes apart; channels up to kPixelSums.
inline void SumPixels(const int8_t* pixels, int32_t count, int32_t step, int32_t channels,
                      int32_t sums[kPixelSums]) {
#if STAPES_KERNELS_DSP
  // 16-bit sums hold 256 values.
  while (channels == kPixelSums && count > 0) {
    uint32_t even = 0, odd = 0;
    const int32_t portion = count < 256 ? count : 256;
    for (int32_t i = 0; i < portion; ++i, pixels += step) {
      const uint32_t word = dsp::LoadWord(pixels);
      even = dsp::WidenEvenAdd(word, even);
      odd = dsp::WidenOddAdd(word, odd);
    }
    sums[0] += static_cast<int16_t>(even);
    sums[1] += static_cast<int16_t>(odd);
    sums[2] += static_cast<int16_t>(even >> 16);
    sums[3] += static_cast<int16_t>(odd >> 16);
    count -= portion;
  }
#elif STAPES_KERNELS_MVE
  for (int32_t first = 0; first < channels; first += 4) {
    const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(channels - first));
    int32x4_t four = vld1q_s32(sums + first);
    for (int32_t i = 0; i < count; ++i) {
      four = vaddq_s32(four, vldrbq_z_s32(pixels + i * step + first, inside));
    }
    vst1q_s32(sums + first, four);
  }
  count = 0;
#endif
  for (int32_t i = 0; i < count; ++i, pixels += step) {
    for (int32_t c = 0; c < channels; ++c) sums[c] += pixels[c];
  }
}

}  // namespace stapes

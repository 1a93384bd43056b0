// SPDX-License-Identifier: Apache-2.0
// Sums over neighbouring pixels, for a few channels at a time.
#pragma once

#include <cstdint>

#include "nn/kernels/platform.h"

#if STAPES_KERNELS_DSP
#include "nn/kernels/dsp/dsp.h"
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
  // 16-bit sums hold 256 values.
  while (count > 0) {
    const int32_t portion = count < 256 ? count : 256;
    for (int32_t first = 0; first < channels; first += 8) {
      const mve_pred16_t inside = vctp16q(static_cast<uint32_t>(channels - first));
      const int8_t* pixel = pixels + first;
      int16x8_t eight = vdupq_n_s16(0);
      for (int32_t i = 0; i < portion; ++i, pixel += step) {
        eight = vaddq_s16(eight, vldrbq_z_s16(pixel, inside));
      }
      int16_t parts[8];
      vst1q_s16(parts, eight);
      for (int32_t i = 0; i < 8; ++i) {
        sums[first + i] += parts[i];
      }
    }
    pixels += portion * step;
    count -= portion;
  }
#endif
  for (int32_t i = 0; i < count; ++i, pixels += step) {
    for (int32_t c = 0; c < channels; ++c) {
      sums[c] += pixels[c];
    }
  }
}

}  // namespace stapes

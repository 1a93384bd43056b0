// SPDX-License-Identifier: Apache-2.0
// Rounding of four features at a time with Helium; the bits of quantize_features.cc.
#pragma once

#include <arm_mve.h>

#include <cstdint>

#include "base/span.h"

namespace stapes {
namespace helium {

// `high_shift`: 1 to 30.
inline void Quantize(const int32_t* features, int32_t multiplier, int high_shift,
                     int32_t zero_point, Span<int8_t> output) {
  int8_t* to = output.data();
  __asm__ volatile(
      "wlstp.32 lr, %[count], 1f\n"
      "2:\n"
      "vldrw.u32 q0, [%[features]], #16\n"
      "vmulh.s32 q0, q0, %q[multipliers]\n"
      "vrshl.s32 q0, %[shift]\n"
      "vadd.i32 q0, q0, %[zero_point]\n"
      "vmin.s32 q0, q0, %q[most]\n"
      "vmax.s32 q0, q0, %q[least]\n"
      "vstrb.32 q0, [%[to]], #4\n"
      "letp lr, 2b\n"
      "1:\n"
      : [features] "+l"(features), [to] "+l"(to)
      : [count] "r"(output.size()), [multipliers] "w"(vdupq_n_s32(multiplier)),
        [shift] "r"(-high_shift), [zero_point] "r"(zero_point), [most] "w"(vdupq_n_s32(INT8_MAX)),
        [least] "w"(vdupq_n_s32(INT8_MIN))
      : "lr", "q0", "memory");
}

}  // namespace helium
}  // namespace stapes

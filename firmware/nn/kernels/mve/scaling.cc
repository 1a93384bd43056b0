// SPDX-License-Identifier: Apache-2.0
// Scaling of sums with Helium, four at a time.
#include "nn/kernels/scaling.h"
#include "nn/kernels/platform.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/mve/helium.h"

namespace stapes {

void Scaling::Block(const int32_t* sums, int32_t count, int8_t* outputs) const {
  helium::Scales scales = {vdupq_n_s32(significands[0]), vdupq_n_s32(shifts[0])};
  for (int32_t i = 0; i < count; i += 4) {
    const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(count - i));
    int32x4_t values = vldrwq_z_s32(sums + i, inside);
    if (bias != nullptr) {
      values = vaddq_s32(values, vldrwq_z_s32(bias + i, inside));
    }
    if (channel_step != 0) {
      scales = {vldrwq_z_s32(significands + i, inside), vldrbq_z_s32(shifts + i, inside)};
    }
    values = vaddq_n_s32(helium::RequantizeAny(values, scales), output_offset);
    values = vminq_s32(vmaxq_s32(values, vdupq_n_s32(low)), vdupq_n_s32(high));
    vstrbq_p_s32(outputs + i, values, inside);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

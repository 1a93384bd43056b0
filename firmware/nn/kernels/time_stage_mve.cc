// The time stage of SVDF with Helium: eight values at a time, loaded from one place further on and
// stored where they go while they are multiplied.
#include "nn/kernels/platform.h"
#include "nn/kernels/time_stage.h"

#if STAPES_KERNELS_MVE

#include "nn/kernels/helium.h"
#include "nn/kernels/requantize.h"

namespace stapes {
namespace {

// All values but the newest.
int32_t MoveAndDot(const int16_t* weights, int16_t* values, int32_t count) {
  const int16_t* next = values + 1;
  int32_t sum = 0;
  __asm__ volatile(
      "wlstp.16 lr, %[count], 1f\n"
      "2:\n"
      "vldrh.16 q0, [%[next]], #16\n"
      "vldrh.16 q1, [%[weights]], #16\n"
      "vstrh.16 q0, [%[values]], #16\n"
      "vmladava.s16 %[sum], q0, q1\n"
      "letp lr, 2b\n"
      "1:\n"
      : [next] "+r"(next), [weights] "+r"(weights), [values] "+r"(values), [sum] "+Te"(sum)
      : [count] "r"(count)
      : "lr", "q0", "q1", "memory");
  return sum;
}

// To the state's scale, saturated to int16.
void ScaleFeatures(Multiplier feature, int32_t* sums, int32_t count) {
  const helium::Scales scales = {vdupq_n_s32(feature.value), vdupq_n_s32(feature.shift)};
  for (int32_t i = 0; i < count; i += 4) {
    const mve_pred16_t inside = vctp32q(static_cast<uint32_t>(count - i));
    const int32x4_t scaled = helium::RequantizeAny(vldrwq_z_s32(sums + i, inside), scales);
    const int32x4_t low = vdupq_n_s32(INT16_MIN);
    const int32x4_t high = vdupq_n_s32(INT16_MAX);
    vstrwq_p_s32(sums + i, vminq_s32(vmaxq_s32(scaled, low), high), inside);
  }
}

}  // namespace

void PushAndWeigh(const TimeFilters& filters, const int16_t* weights, int16_t* state, int32_t* sums,
                  int32_t count) {
  const int32_t last = filters.memory - 1;
  ScaleFeatures(filters.feature, sums, count);
  for (int32_t i = 0; i < count; ++i, weights += filters.memory, state += filters.memory) {
    const int32_t newest = sums[i];
    const int32_t older = MoveAndDot(weights, state, last);
    state[last] = static_cast<int16_t>(newest);
    sums[i] = WrappingAdd(older, newest * weights[last]);
  }
}

}  // namespace stapes

#endif  // STAPES_KERNELS_MVE

#include "nn/kernels/platform.h"
#include "nn/kernels/time_stage.h"

#if STAPES_KERNELS_PLAIN || STAPES_KERNELS_X86

namespace stapes {

bool CanPushAndWeigh(const TimeFilters&, int32_t, const int16_t*, const int16_t*) { return false; }

void PushAndWeigh(const TimeFilters&, const int16_t*, int16_t*, int32_t*, int32_t) {}

}  // namespace stapes

#endif

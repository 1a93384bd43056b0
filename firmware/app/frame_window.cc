// SPDX-License-Identifier: Apache-2.0
#include "app/frame_window.h"

#include <cstring>

namespace stapes {

bool FrameWindow::Take(Span<int8_t> input) {
  next_ += feature_count_;
  if (next_ == ring_.size()) {
    next_ = 0;
  }
  if (--missing_ > 0) {
    return false;
  }
  missing_ = stride_frames_;
  const std::size_t older = ring_.size() - next_;
  std::memcpy(input.data(), ring_.data() + next_, older);
  std::memcpy(input.data() + older, ring_.data(), next_);
  return true;
}

void FrameWindow::Reset() {
  next_ = 0;
  missing_ = ring_.size() / feature_count_;
}

}  // namespace stapes

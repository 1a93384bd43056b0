// SPDX-License-Identifier: Apache-2.0
#include "boards/common/memory_link.h"

namespace stapes {
namespace {

// Orders the accesses: the host's index is read before the bytes, ours moves after them.
void Fence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

}  // namespace

void MemoryLink::Start(uint32_t address) {
  Shared* const shared = reinterpret_cast<Shared*>(address);
  shared_ = shared;
  for (int i = 0; i < 4; ++i) {
    if (shared->mark[i] != kMark[i]) {
      shared_ = nullptr;
    }
  }
}

std::size_t MemoryLink::Read(Span<uint8_t> bytes) {
  if (shared_ == nullptr) {
    return 0;
  }
  const uint32_t start = shared_->read;
  const uint32_t waiting = shared_->written - start;
  const std::size_t count = waiting < bytes.size() ? waiting : bytes.size();
  Fence();
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = shared_->ring[(start + i) % kRingBytes];
  }
  Fence();
  shared_->read = start + static_cast<uint32_t>(count);
  return count;
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "nn/memory_plan.h"

namespace stapes {
namespace {

uint32_t RoundUp(uint32_t bytes) { return (bytes + 7) & ~uint32_t{7}; }

bool GoesBefore(const PlannedBuffer& a, const PlannedBuffer& b) {
  return a.bytes != b.bytes ? a.bytes > b.bytes : a.first_use < b.first_use;
}

void SortLargestFirst(Span<PlannedBuffer> buffers) {
  for (std::size_t i = 1; i < buffers.size(); ++i) {
    const PlannedBuffer moving = buffers[i];
    std::size_t to = i;
    for (; to > 0 && GoesBefore(moving, buffers[to - 1]); --to) {
      buffers[to] = buffers[to - 1];
    }
    buffers[to] = moving;
  }
}

bool LiveTogether(const PlannedBuffer& a, const PlannedBuffer& b) {
  return a.first_use <= b.last_use && b.first_use <= a.last_use;
}

// `placed` is in order of offsets.
uint32_t LowestFreeOffset(Span<const PlannedBuffer> placed, const PlannedBuffer& buffer) {
  uint32_t offset = 0;
  for (const PlannedBuffer& other : placed) {
    if (!LiveTogether(other, buffer)) {
      continue;
    }
    if (other.offset >= offset + buffer.bytes) {
      break;
    }
    const uint32_t end = RoundUp(other.offset + other.bytes);
    if (end > offset) {
      offset = end;
    }
  }
  return offset;
}

void InsertByOffset(Span<PlannedBuffer> buffers, std::size_t index) {
  const PlannedBuffer moving = buffers[index];
  std::size_t to = index;
  for (; to > 0 && buffers[to - 1].offset > moving.offset; --to) {
    buffers[to] = buffers[to - 1];
  }
  buffers[to] = moving;
}

}  // namespace

uint32_t PlanMemory(Span<PlannedBuffer> buffers) {
  SortLargestFirst(buffers);
  uint32_t total = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    PlannedBuffer& buffer = buffers[i];
    buffer.offset = LowestFreeOffset(buffers.First(i), buffer);
    const uint32_t end = RoundUp(buffer.offset + buffer.bytes);
    if (end > total) {
      total = end;
    }
    InsertByOffset(buffers, i);
  }
  return total;
}

}  // namespace stapes

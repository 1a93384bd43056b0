// SPDX-License-Identifier: Apache-2.0
// Runs in place of the firmware and measures the front end on a board: ticks of a frame, stack, and
// what it computed. Prints lines of "name value"; bench/frontend.py reads them and adds the
// tables.
#include <cstddef>
#include <cstdint>

#include "boards/board.h"
#include "frontend/front_end.h"

namespace stapes {

extern const FrontEndTables kFrontEndTables;

namespace {

constexpr int kFrames = 20;

constexpr std::size_t kMostFeatures = 128;  // a front end has no more channels

alignas(8) uint8_t work[32768];  // more than any front end takes
int8_t feature_memory[kMostFeatures];

Span<int8_t> features() { return {feature_memory, FeatureCount(kFrontEndTables)}; }

void Print(const char* text) {
  std::size_t length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  Span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text), length);
  while (!bytes.empty()) {
    bytes = bytes.Skip(board::UartWrite(bytes));
  }
}

void PrintValue(const char* name, uint32_t value) {
  char digits[12];
  char* at = digits + sizeof(digits);
  *--at = '\0';
  *--at = '\n';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Print(name);
  Print(" ");
  Print(at);
}

// Noise whose loudness changes from second to second: the generator of Numerical Recipes.
class Noise {
 public:
  void Fill(Span<int16_t> samples) {
    for (int16_t& sample : samples) {
      state_ = state_ * 1664525u + 1013904223u;
      const int shift = 16 + static_cast<int>(count_++ >> 10 & 7);
      sample = static_cast<int16_t>(static_cast<int32_t>(state_) >> shift);
    }
  }

 private:
  uint32_t state_ = 1;
  uint32_t count_ = 0;
};

// FNV-1a.
uint32_t Hash(uint32_t hash, Span<const int8_t> bytes) {
  for (const int8_t byte : bytes) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 16777619u;
  }
  return hash;
}

// Pushes samples up to the end of a frame and pops it: the ticks of both.
uint32_t OneFrame(FrontEnd& front_end, Noise& noise) {
  static int16_t samples[64];
  static Span<const int16_t> rest;
  uint32_t ticks = 0;
  while (true) {
    if (rest.empty()) {
      noise.Fill(samples);
      rest = Span<int16_t>(samples);
    }
    const uint32_t before = board::Ticks();
    rest = rest.Skip(front_end.Push(rest));
    const bool popped = front_end.PopFrame(features());
    ticks += board::Ticks() - before;
    if (popped) {
      return ticks;
    }
  }
}

int Measure() {
  FrontEnd front_end;
  if (!front_end.Init(kFrontEndTables, work)) {
    Print("error: memory\n");
    return 1;
  }
  Noise noise;
  uint32_t hash = 2166136261u;
  uint32_t total = 0;
  uint32_t most = 0;
  for (int i = 0; i < kFrames; ++i) {
    const uint32_t ticks = OneFrame(front_end, noise);
    if (i > 0) {
      total += ticks;  // the first takes a whole window of samples
    }
    if (i > 0 && ticks > most) {
      most = ticks;
    }
    hash = Hash(hash, features());
  }
  PrintValue("ticks", total / (kFrames - 1));
  PrintValue("most_ticks", most);
  PrintValue("ticks_per_second", board::kTicksPerSecond);
  PrintValue("state_bytes", sizeof(front_end));
  PrintValue("stack_bytes", board::Stack().used_bytes);
  PrintValue("hash", hash);
  Print("done\n");
  return 0;
}

}  // namespace
int RunFirmware() {
  asm volatile("cpsid i" ::: "memory");  // the millisecond interrupt would be counted as well
  const int status = Measure();
  asm volatile("cpsie i" ::: "memory");
  return status;
}

}  // namespace stapes

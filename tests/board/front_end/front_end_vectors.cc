// SPDX-License-Identifier: Apache-2.0
// Runs front ends over the same noise on any board and prints a checksum of each one's frames; and
// how often the products of base/fixed_point.h differ from those of 64-bit arithmetic.
#include <cstddef>
#include <cstdint>

#include "base/fixed_point.h"
#include "frontend/front_end.h"

void PrintLine(const char* name, uint32_t checksum);

namespace stapes {

extern const FrontEndTables* const kAllTables[];
extern const std::size_t kAllTablesCount;

namespace {

constexpr int kFrames = 8;
constexpr std::size_t kMostFeatures = 128;

alignas(8) uint8_t work[32768];

class Random {
 public:
  // Numerical Recipes' generator.
  uint32_t Next() { return state_ = state_ * 1664525u + 1013904223u; }

 private:
  uint32_t state_ = 1;
};

// Noise whose loudness changes every 256 samples, silence included.
class Noise {
 public:
  int16_t Next() {
    const int shift = 16 + static_cast<int>((count_++ >> 8) % 17);
    return static_cast<int16_t>(static_cast<int64_t>(static_cast<int32_t>(random_.Next())) >>
                                shift);
  }

 private:
  Random random_;
  uint32_t count_ = 0;
};

// FNV-1a of numbers.
template <typename Number>
uint32_t Hash(uint32_t hash, Span<Number> numbers) {
  for (const Number number : numbers) {
    hash = (hash ^ static_cast<uint32_t>(static_cast<int32_t>(number))) * 16777619u;
  }
  return hash;
}

// Frames by turns as int8 and before they are rounded; the audio comes in pieces of any size.
uint32_t Run(const FrontEndTables& tables) {
  FrontEnd front_end;
  if (!front_end.Init(tables, work)) {
    return 0;
  }
  int8_t rounded[kMostFeatures];
  int32_t unrounded[kMostFeatures];
  int16_t piece[37];
  Noise noise;
  std::size_t size = 1;
  uint32_t hash = 2166136261u;
  for (int frames = 0; frames < kFrames;) {
    for (std::size_t i = 0; i < size; ++i) {
      piece[i] = noise.Next();
    }
    Span<const int16_t> rest(piece, size);
    while (!rest.empty() && frames < kFrames) {
      rest = rest.Skip(front_end.Push(rest));
      const std::size_t count = FeatureCount(tables);
      if (frames % 2 == 0 && front_end.PopFrame({rounded, count})) {
        hash = Hash(hash, Span<int8_t>(rounded, count));
        ++frames;
      } else if (frames % 2 == 1 && front_end.PopFrameUnrounded({unrounded, count})) {
        hash = Hash(hash, Span<int32_t>(unrounded, count));
        ++frames;
      }
    }
    size = size % 37 + 1;
  }
  return hash;
}

// Now and then a number with few bits set or few clear.
int32_t AnyNumber(Random* random) {
  const uint32_t number = random->Next();
  const uint32_t kind = random->Next() >> 29;
  if (kind < 2) {
    return static_cast<int32_t>((kind == 0 ? 0 : ~0u) ^ (1u << (number >> 27)));
  }
  return static_cast<int32_t>(number);
}

uint32_t DifferentProducts() {
  constexpr int64_t kHalf = int64_t{1} << 31;
  Random random;
  uint32_t different = 0;
  for (int i = 0; i < 20000; ++i) {
    const int32_t a = AnyNumber(&random) | 1;  // not -2^31
    const int32_t b = AnyNumber(&random);
    const int64_t product = static_cast<int64_t>(a) * b;
    const auto low = static_cast<int16_t>(b);
    const auto positive = static_cast<uint32_t>(a);
    different += MulHigh(a, b) != static_cast<int32_t>((product + kHalf) >> 32);
    different += MulSubHigh(5, a, b) != 5 + static_cast<int32_t>((kHalf - product) >> 32);
    different += MulAddHighDown(5, a, b) != 5 + static_cast<int32_t>(product >> 32);
    different += MulAddLowHalf(0, a, static_cast<uint32_t>(b)) !=
                 static_cast<int32_t>((static_cast<int64_t>(a) * low) >> 16);
    different += MulAddShort(7, positive, static_cast<uint16_t>(b)) !=
                 7 + static_cast<uint64_t>(positive) * static_cast<uint16_t>(b);
    different += AddSquare(7, a) != 7 + static_cast<uint64_t>(static_cast<int64_t>(a) * a);
  }
  return different;
}

}  // namespace

void RunVectors() {
  for (std::size_t i = 0; i < kAllTablesCount; ++i) {
    PrintLine("features", Run(*kAllTables[i]));
  }
  PrintLine("different_products", DifferentProducts());
}

}  // namespace stapes

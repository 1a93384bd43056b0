// SPDX-License-Identifier: Apache-2.0
// Runs every kernel over the same pseudo-random shapes and values and prints a checksum of each
// result. Compiled with and without STAPES_PLAIN_KERNELS: test_kernels.py compares the lines.
#include <cstdint>
#include <cstring>

#include "nn/kernels/add.h"
#include "nn/kernels/byte_time_stage.h"
#include "nn/kernels/depthwise.h"
#include "nn/kernels/dot.h"
#include "nn/kernels/matmul.h"
#include "nn/kernels/pixel_sums.h"
#include "nn/kernels/scaling.h"
#include "nn/kernels/time_stage.h"

void PrintLine(const char* name, uint32_t checksum);

namespace stapes {
namespace {

class Random {
 public:
  // The upper bits of Numerical Recipes' generator.
  uint32_t Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 8;
  }
  // From low to high, both included.
  int32_t Between(int32_t low, int32_t high) {
    return low + static_cast<int32_t>(Next() % static_cast<uint32_t>(high - low + 1));
  }
  bool OneIn(int32_t count) { return Between(1, count) == 1; }
  void Fill(int8_t* values, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
      values[i] = static_cast<int8_t>(Next() >> 8);
    }
  }
  // Now and then extreme values alone.
  void FillExtremes(int8_t* values, int32_t count) {
    Fill(values, count);
    if (!OneIn(8)) {
      return;
    }
    for (int32_t i = 0; i < count; ++i) {
      values[i] = values[i] < 0 ? INT8_MIN : INT8_MAX;
    }
  }

 private:
  uint32_t state_ = 7;
};

constexpr int32_t kMostChannels = 70;
constexpr int32_t kMostDepth = 150;
constexpr int32_t kMostColumns = 9;
constexpr int32_t kMostTaps = 21;

Random random_numbers;
alignas(16) int8_t weights[kMostChannels * kMostDepth + 16];
alignas(16) int8_t inputs[kMostColumns * kMostDepth + kMostTaps * kMostChannels + 16];
alignas(16) int8_t outputs[kMostChannels * kMostColumns + 16];
constexpr int32_t kMostImageRows = 38;
alignas(16) int8_t image[kMostChannels * kMostImageRows + 16];
int32_t bias[kMostChannels];
int32_t significands[kMostChannels];
int8_t shifts[kMostChannels];
alignas(16) int16_t panel[PanelBytes(kMostDepth, kMostColumns) / 2];
alignas(16) int16_t row_memory[PanelRowBytes(kMostDepth) / 2];
constexpr int32_t kBehindLayout = 256;  // bytes that must stay as they are
alignas(16) int32_t layout[(DepthwiseBytes(kMostChannels, kMostTaps) + kBehindLayout) / 4];

uint32_t Checksum(const void* data, int32_t bytes) {
  uint32_t hash = 2166136261u;  // FNV-1a
  const auto* const at = static_cast<const uint8_t*>(data);
  for (int32_t i = 0; i < bytes; ++i) {
    hash = (hash ^ at[i]) * 16777619u;
  }
  return hash;
}

Multiplier RandomMultiplier() {
  const auto significand = static_cast<int32_t>(1u << 30 | random_numbers.Next() << 6);
  if (random_numbers.OneIn(40)) {
    return {0, 0};
  }
  return {significand, random_numbers.OneIn(20) ? random_numbers.Between(-3, 3)
                                                : random_numbers.Between(-12, -1)};
}

Scaling RandomScaling(int32_t channels) {
  const int32_t most = random_numbers.OneIn(10) ? 1 << 22 : 4000;
  const bool ordinary = !random_numbers.OneIn(5);
  for (int32_t i = 0; i < channels; ++i) {
    bias[i] = random_numbers.Between(-most, most);
    Multiplier multiplier = RandomMultiplier();
    while (ordinary && !ScalesDown(multiplier.shift)) {
      multiplier = RandomMultiplier();
    }
    significands[i] = multiplier.value;
    shifts[i] = static_cast<int8_t>(multiplier.shift);
  }
  Scaling scaling = {};
  scaling.bias = random_numbers.OneIn(6) ? nullptr : bias;
  scaling.significands = significands;
  scaling.shifts = shifts;
  scaling.channel_step = random_numbers.OneIn(3) ? 0 : 1;
  scaling.output_offset = random_numbers.Between(-128, 127);
  scaling.low = random_numbers.OneIn(4) ? random_numbers.Between(-128, 0) : INT8_MIN;
  scaling.high = random_numbers.OneIn(4) ? random_numbers.Between(0, 127) : INT8_MAX;
  scaling.fast =
      CanScaleFast(shifts, scaling.channel_step == 0 ? 1 : static_cast<uint32_t>(channels));
  return scaling;
}

// Shapes on both sides of every block size.
int32_t Size(int32_t most) {
  return random_numbers.OneIn(2)
             ? random_numbers.Between(1, most / 4) * 4 - 3 + random_numbers.Between(0, 3)
             : random_numbers.Between(1, most / 16) * 16;
}

void MatMul() {
  const PanelShape shape = {Size(kMostDepth), random_numbers.Between(-127, 128)};
  const int32_t rows = random_numbers.Between(1, 20);
  const int32_t columns = random_numbers.Between(1, kMostColumns);
  const int32_t stride = rows + random_numbers.Between(0, 3);
  random_numbers.FillExtremes(weights, rows * shape.depth);
  random_numbers.FillExtremes(inputs, columns * shape.depth);
  const Scaling scaling = RandomScaling(rows);
  std::memset(outputs, 0, sizeof(outputs));
  for (int32_t i = 0; i < columns; i += 2) {
    const int8_t* const first = inputs + i * shape.depth;
    LayColumnPair(shape, first, i + 1 < columns ? first + shape.depth : first, i, panel);
  }
  MultiplyPanel(shape, scaling, panel, columns, weights, rows, row_memory, outputs, stride);
  PrintLine("matmul", Checksum(outputs, sizeof(outputs)));
}

// Weights as converters write them: -127 and above.
void WithoutLowest(int8_t* values, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    values[i] = values[i] == INT8_MIN ? INT8_MAX : values[i];
  }
}

void Depthwise() {
  const DepthwiseShape shape = {Size(kMostChannels), random_numbers.Between(1, kMostTaps),
                                random_numbers.Between(-127, 128)};
  random_numbers.FillExtremes(weights, shape.channels * shape.taps);
  if (!random_numbers.OneIn(8)) {
    WithoutLowest(weights, shape.channels * shape.taps);
  }
  random_numbers.FillExtremes(inputs, kMostTaps * shape.channels);
  const Scaling scaling = RandomScaling(shape.channels);
  if (random_numbers.OneIn(20)) {
    bias[shape.channels - 1] = INT32_MAX - (1 << 23);
  }
  const int8_t* taps[kMostTaps + 1];
  for (const int8_t*& tap : taps) {
    tap = inputs + random_numbers.Between(0, kMostTaps - 1) * shape.channels;
  }
  std::memset(outputs, 0, sizeof(outputs));
  int32_t* const behind = layout + DepthwiseBytes(shape.channels, shape.taps) / 4;
  std::memset(behind, 0x5a, kBehindLayout);
  LayDepthwise(shape, scaling, weights, layout);
  DepthwisePixel(shape, scaling, weights, layout, taps, outputs);
  PrintLine("depthwise", Checksum(outputs, sizeof(outputs)) ^ Checksum(behind, kBehindLayout));
}

// Over an image one pixel wide, place by place where there is no code for all of it.
void DepthwiseOverTimeOrPlaces() {
  const int32_t channels =
      random_numbers.OneIn(5) ? Size(kMostChannels) : random_numbers.Between(1, 6) * 8;
  const DepthwiseShape shape = {channels, random_numbers.Between(1, kMostTaps),
                                random_numbers.Between(-127, 128)};
  const int32_t pad = random_numbers.OneIn(2) ? 0 : random_numbers.Between(0, shape.taps - 1);
  const int32_t rows = random_numbers.Between(shape.taps - pad, kMostImageRows);
  const TimeShape time = {rows, pad == 0 ? rows - shape.taps + 1 : rows, pad};
  random_numbers.FillExtremes(weights, channels * shape.taps);
  random_numbers.FillExtremes(inputs, time.inputs * channels);
  const Scaling scaling = RandomScaling(channels);
  int8_t zero_points[kMostChannels];
  std::memset(zero_points, -shape.input_offset, sizeof(zero_points));
  std::memset(image, 0, sizeof(image));
  std::memcpy(image, inputs, static_cast<std::size_t>(time.inputs * channels));
  int32_t* const behind = layout + DepthwiseBytes(channels, shape.taps) / 4;
  std::memset(behind, 0x5a, kBehindLayout);
  bool is_done = false;
  if constexpr (kHasDepthwiseOverTime) {
    is_done =
        DepthwiseOverTime(shape, time, scaling, weights, image, reinterpret_cast<int8_t*>(layout),
                          DepthwiseBytes(channels, shape.taps), image);
  }
  if (!is_done) {
    LayDepthwise(shape, scaling, weights, layout);
    for (int32_t y = 0; y < time.outputs; ++y) {
      const int8_t* taps[kMostTaps + 1];
      for (int32_t tap = 0; tap <= shape.taps; ++tap) {
        const int32_t row = y + tap - pad;
        taps[tap] = row >= 0 && row < time.inputs ? inputs + row * channels : zero_points;
      }
      DepthwisePixel(shape, scaling, weights, layout, taps, image + y * channels);
    }
  }
  PrintLine("depthwise_over_time",
            Checksum(image, time.outputs * channels) ^ Checksum(behind, kBehindLayout));
}

void Rows() {
  const int32_t depth = Size(kMostDepth);
  const int32_t stride = depth + (random_numbers.OneIn(2) ? 0 : random_numbers.Between(0, 5));
  const int32_t rows = random_numbers.Between(1, 16);
  random_numbers.FillExtremes(weights, rows * stride);
  random_numbers.FillExtremes(inputs, depth);
  const int32_t offset = random_numbers.Between(-127, 128);
  const int32_t most = random_numbers.OneIn(2) ? random_numbers.Between(63, 64) : 100;
  for (int32_t i = 0; i < depth && most < 100; ++i) {  // values within `most`, and some at it
    const int32_t value = Clamp(inputs[i], -most, most);
    inputs[i] = static_cast<int8_t>(Clamp(value - offset, INT8_MIN, INT8_MAX));
  }
  if (random_numbers.OneIn(4)) {  // the largest sum
    std::memset(weights, INT8_MIN, static_cast<std::size_t>(depth));
    std::memset(inputs, Clamp(-most - offset, INT8_MIN, INT8_MAX), sizeof(inputs));
  }
  for (int32_t i = 0, zeros = random_numbers.Between(-4, 4); i < depth && zeros > 0; ++i) {
    inputs[i] = random_numbers.Between(1, 4) <= zeros ? static_cast<int8_t>(-offset) : inputs[i];
  }
  const Scaling scaling = RandomScaling(rows);
  int32_t sums[16];
  const WideVector values = WidenForRows(inputs, depth, offset, panel);
  DotRowBlock(values, weights, rows, stride, sums);
  PrintLine("rows", Checksum(sums, 4 * rows));
  scaling.Block(sums, rows, outputs);
  PrintLine("scaling", Checksum(outputs, rows));
}

void TimeStage() {
  constexpr int32_t kFilters = 5;
  const TimeFilters filters = {
      random_numbers.OneIn(2) ? random_numbers.Between(1, 40) : random_numbers.Between(1, 5) * 8,
      128, RandomMultiplier()};
  const int32_t count = kFilters * filters.memory;
  int16_t* const state = panel;
  int16_t* const time_weights = reinterpret_cast<int16_t*>(weights);
  for (int32_t i = 0; i < count; ++i) {
    state[i] = static_cast<int16_t>(random_numbers.Next());
    time_weights[i] = static_cast<int16_t>(random_numbers.Next());
  }
  int32_t sums[kFilters];
  for (int32_t& sum : sums) {
    sum = random_numbers.Between(-4000000, 4000000);
  }
  PushAndWeigh(filters, time_weights, state, sums, kFilters);
  PrintLine("time_stage", Checksum(sums, sizeof(sums)) ^ Checksum(state, 2 * count));
}

void ByteTimeStage() {
  constexpr int32_t kFilters = 5;
  const ByteFilters filters = {
      random_numbers.OneIn(2) ? random_numbers.Between(1, 40) : random_numbers.Between(1, 5) * 8,
      random_numbers.OneIn(3) ? random_numbers.Between(-128, 127) : 0, RandomMultiplier()};
  const int32_t count = kFilters * filters.memory;
  random_numbers.FillExtremes(inputs, count);
  random_numbers.FillExtremes(weights, count);
  int32_t sums[kFilters];
  for (int32_t& sum : sums) {
    sum = random_numbers.Between(-4000000, 4000000);
  }
  PushAndWeighBytes(filters, weights, inputs, sums, kFilters);
  PrintLine("byte_time_stage", Checksum(sums, sizeof(sums)) ^ Checksum(inputs, count));
}

// Multipliers as ADD has them: the larger scale's is 1/2.
void Add() {
  const int32_t count = random_numbers.Between(1, 70);
  random_numbers.FillExtremes(inputs, count);
  random_numbers.FillExtremes(weights, count);
  const auto significand = static_cast<int32_t>(1u << 30 | random_numbers.Next() << 6);
  const Multiplier half = {1 << 30, 0};
  const Multiplier less = {significand, random_numbers.Between(-9, -1)};
  const bool first_is_half = random_numbers.OneIn(2);
  AddScaling scaling = {};
  scaling.first_offset = random_numbers.Between(-127, 128);
  scaling.second_offset = random_numbers.Between(-127, 128);
  scaling.output_offset = random_numbers.Between(-128, 127);
  scaling.low = random_numbers.OneIn(4) ? random_numbers.Between(-128, 0) : INT8_MIN;
  scaling.high = random_numbers.OneIn(4) ? random_numbers.Between(0, 127) : INT8_MAX;
  scaling.first = first_is_half ? half : less;
  scaling.second = first_is_half && !random_numbers.OneIn(6) ? less : half;
  scaling.output = {static_cast<int32_t>(1u << 30 | random_numbers.Next() << 6),
                    random_numbers.OneIn(10) ? 0 : random_numbers.Between(-24, -16)};
  AddAll(scaling, inputs, weights, count, inputs);
  PrintLine("add", Checksum(inputs, count));
}

void PixelSums() {
  const int32_t channels = random_numbers.Between(1, 33);
  const int32_t count = random_numbers.Between(1, 40);
  random_numbers.FillExtremes(inputs, channels * count);
  int32_t sums[48] = {};
  for (int32_t c = 0; c < channels; c += kPixelSums) {
    SumPixels(inputs + c, count, channels, channels - c < kPixelSums ? channels - c : kPixelSums,
              sums + c);
  }
  PrintLine("pixel_sums", Checksum(sums, sizeof(sums)));
}

}  // namespace

void RunVectors() {
  constexpr int kCases = 300;
  for (int i = 0; i < kCases; ++i) {
    MatMul();
    Depthwise();
    DepthwiseOverTimeOrPlaces();
    Rows();
    TimeStage();
    ByteTimeStage();
    PixelSums();
    Add();
  }
}

}  // namespace stapes

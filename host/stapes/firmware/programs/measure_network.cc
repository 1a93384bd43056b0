// SPDX-License-Identifier: Apache-2.0
// The firmware's place taken by a measurement of one network on a board: ticks of an inference and
// of each operator, arena, stack, and what it computed. Prints lines of "name value", which
// host/stapes/firmware/measure.py reads.
#include <cstddef>
#include <cstdint>

#include "boards/board.h"
#include "host/stapes/firmware/programs/network.h"
#include "nn/inference_engine.h"

namespace stapes {
namespace {

constexpr int kInferences = 3;  // outputs of all of them go into the checksum
constexpr uint32_t kSeed = 1;

// Character by character: no strlen that would count as the engine's.
void Print(const char* text) {
  for (; *text != '\0'; ++text) {
    const uint8_t byte = static_cast<uint8_t>(*text);
    while (board::UartWrite(Span<const uint8_t>(&byte, 1)) == 0) {
    }
  }
}

void PrintNumber(uint32_t value) {
  char digits[12];
  char* at = digits + sizeof(digits);
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Print(at);
}

void PrintValue(const char* name, uint32_t value) {
  Print(name);
  Print(" ");
  PrintNumber(value);
  Print("\n");
}

// The generator of Numerical Recipes; measure.py has the same.
int8_t NextValue(uint32_t* state) {
  *state = *state * 1664525u + 1013904223u;
  return static_cast<int8_t>(*state >> 24);
}

// CRC-32 of IEEE 802.3, as zlib computes it.
uint32_t Crc(uint32_t crc, Span<const int8_t> bytes) {
  crc = ~crc;
  for (const int8_t byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
    }
  }
  return ~crc;
}

std::size_t ByteCount(const TensorView& view) { return view.size * ElementBytes(view.type); }

int Measure() {
  static InferenceEngine engine;
  const Status status = engine.Init(kMeasuredModel, kMeasuredOperators, kMeasuredArena);
  if (status != Status::kOk) {
    Print("error ");
    Print(engine.error().operator_name);
    Print(": ");
    Print(engine.error().reason);
    Print("\n");
    return 1;
  }
  uint32_t state = kSeed;
  uint32_t crc = 0;
  uint32_t ticks = 0;
  const uint32_t start = board::Ticks();
  const uint32_t reading = board::Ticks() - start;
  for (int i = 0; i < kInferences; ++i) {
    const TensorView input = engine.input();
    for (std::size_t j = 0; j < ByteCount(input); ++j) {
      input.data[j] = NextValue(&state);
    }
    const uint32_t before = board::Ticks();
    engine.Invoke();
    ticks = board::Ticks() - before - reading;
    crc = Crc(crc, Span<const int8_t>(engine.output().data, ByteCount(engine.output())));
  }
  for (uint32_t i = 0; i < engine.nodes().size(); ++i) {
    const uint32_t before = board::Ticks();
    engine.InvokeNode(i);
    const uint32_t taken = board::Ticks() - before - reading;
    Print("operator_");
    PrintNumber(i);
    PrintValue("", taken);
  }
  PrintValue("ticks", ticks);
  PrintValue("ticks_per_second", board::kTicksPerSecond);
  PrintValue("arena_bytes", static_cast<uint32_t>(engine.arena_used()));
  PrintValue("stack_bytes", board::Stack().used_bytes);
  PrintValue("crc", crc);
  Print("done\n");
  return 0;
}

}  // namespace

int RunFirmware() { return Measure(); }

}  // namespace stapes

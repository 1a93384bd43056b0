// SPDX-License-Identifier: Apache-2.0
// Runs in place of the firmware and measures the whole pipeline on a board: ticks of every frame,
// with the model that is compiled in. Prints lines of "name value"; bench/firmware.py reads
// them.
#include <cstddef>
#include <cstdint>

#include "app/pipeline.h"
#include "boards/board.h"
#include "boards/common/interrupts_off.h"
#include "stapes_model.h"

namespace stapes {
namespace {

constexpr uint32_t kFrames = 150;
constexpr uint32_t kPieceSamples = 64;
constexpr uint32_t kLoudnessSamples = 4096;  // as long as one loudness lasts

alignas(16) uint8_t arena[kArenaBytes];
alignas(8) uint8_t front_end_work[kFrontEndWorkBytes];
alignas(4) uint8_t decoder_work[kDecoderWorkBytes];

class SerialSink {
 public:
  void PrintValue(const char* name, uint32_t value) {
    Print(name);
    Print(" ");
    char digits[12];
    char* at = digits + sizeof digits;
    *--at = '\0';
    *--at = '\n';
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    Print(at);
  }
  void Print(const char* text) {
    for (; *text != '\0'; ++text) {
      const uint8_t byte = static_cast<uint8_t>(*text);
      while (board::UartWrite({&byte, 1}) == 0) {
        board::Sleep();
      }
    }
  }
};

// FNV-1a of all features and scores.
class Listener : public PipelineSink {
 public:
  void OnFeatures(Span<const int8_t> features) override { Add(features); }
  void OnScores(uint32_t, Span<const int8_t> scores) override { Add(scores); }
  void OnDetection(const Detection&) override {}
  uint32_t hash() const { return hash_; }

 private:
  void Add(Span<const int8_t> values) {
    for (const int8_t value : values) {
      hash_ = (hash_ ^ static_cast<uint8_t>(value)) * 16777619u;
    }
  }

  uint32_t hash_ = 2166136261u;
};

// Noise whose loudness changes, full scale at first: the generator of Numerical Recipes.
class Noise {
 public:
  void Fill(Span<int16_t> samples) {
    for (int16_t& sample : samples) {
      state_ = state_ * 1664525u + 1013904223u;
      const int shift = 16 + static_cast<int>(count_++ / kLoudnessSamples & 7);
      sample = static_cast<int16_t>(static_cast<int32_t>(state_) >> shift);
    }
  }

 private:
  uint32_t state_ = 1;
  uint32_t count_ = 0;
};

struct Ticks {
  uint32_t most = 0;
  uint64_t all = 0;
};

// The pieces up to the end of a frame, interrupts held back: they would be counted as well.
void OneFrame(Pipeline& pipeline, Noise& noise, Listener& listener, Ticks& ticks) {
  const uint32_t frames = pipeline.frames();
  uint32_t frame_ticks = 0;
  while (pipeline.frames() == frames) {
    int16_t samples[kPieceSamples];
    noise.Fill(samples);
    const InterruptsOff hold;
    const uint32_t before = board::Ticks();
    pipeline.Push(samples, listener);
    frame_ticks += board::Ticks() - before;
  }
  ticks.all += frame_ticks;
  ticks.most = frame_ticks > ticks.most ? frame_ticks : ticks.most;
}

int Measure() {
  SerialSink serial;
  static Pipeline pipeline;
  if (const char* reason = pipeline.Init(kModel, {arena, front_end_work, decoder_work})) {
    serial.Print(reason);
    serial.Print("\n");
    return 1;
  }
  Noise noise;
  Listener listener;
  Ticks ticks;
  OneFrame(pipeline, noise, listener, ticks);  // the first takes a whole window of samples
  ticks = {};
  for (uint32_t i = 1; i < kFrames; ++i) {
    OneFrame(pipeline, noise, listener, ticks);
  }
  serial.PrintValue("samples", static_cast<uint32_t>(pipeline.samples()));
  serial.PrintValue("frames", pipeline.frames());
  serial.PrintValue("mean_ticks", static_cast<uint32_t>(ticks.all) / (kFrames - 1));
  serial.PrintValue("most_ticks", ticks.most);
  serial.PrintValue("ticks_per_second", board::kTicksPerSecond);
  serial.PrintValue("stack_bytes", board::Stack().used_bytes);
  serial.PrintValue("hash", listener.hash());
  serial.Print("done\n");
  return 0;
}

}  // namespace

int RunFirmware() { return Measure(); }

}  // namespace stapes

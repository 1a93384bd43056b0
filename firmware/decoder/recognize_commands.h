// Turns a stream of scores into detections: RecognizeCommands of TensorFlow's speech_commands
// (tensorflow/examples/speech_commands/recognize_commands.cc), in integer arithmetic.
//
// It differs from the original in three places, on purpose:
//  - a time before the newest one is refused (the original compares with the oldest one);
//  - of equal averages the lowest label index wins (the original leaves it to an unstable sort);
//  - memory is bounded: when scores come faster than planned, the oldest is dropped and counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Index of a label that the model does not have.
constexpr int32_t kNoLabel = -1;

// A score of 1.0 in the Q16 of thresholds and results.
constexpr uint32_t kScoreOneQ16 = 65536;

// Settings of the decoder; `stapes emit` writes them from the model file.
struct DecoderConfig {
  uint16_t label_count;        // 1 or more
  int16_t silence_label;       // index of "_silence_", kNoLabel when the model has none
  uint16_t frame_capacity;     // scores kept at most: DecoderFrameCapacity()
  uint16_t minimum_count;      // scores that must be in the window before anything is detected
  uint32_t average_window_ms;  // scores older than this leave the average
  uint32_t threshold_q16;      // an average must be greater: Q16, at most kScoreOneQ16, rounded up
  uint32_t suppression_ms;     // no second detection within this time, silence excepted
};

// Scores that one averaging window can hold when one comes every `stride_samples` of audio at
// `sample_rate` hertz. Times are cut down to whole milliseconds, so a window spans up to 1 ms more.
constexpr uint16_t DecoderFrameCapacity(uint32_t average_window_ms, uint32_t stride_samples,
                                        uint32_t sample_rate) {
  return static_cast<uint16_t>((static_cast<uint64_t>(average_window_ms + 1) * sample_rate +
                                static_cast<uint64_t>(stride_samples) * 1000 - 1) /
                               (static_cast<uint64_t>(stride_samples) * 1000));
}

// Bytes of work memory for RecognizeCommands::Init: times, sums, and the ring of scores.
constexpr std::size_t DecoderWorkBytes(uint16_t label_count, uint16_t frame_capacity) {
  return (std::size_t{frame_capacity} + label_count) * sizeof(uint32_t) +
         std::size_t{frame_capacity} * label_count;
}

// The leading label after one set of scores.
struct Detection {
  int32_t label;       // index, or kNoLabel for the silence of a model without "_silence_"
  uint32_t score_q16;  // average score, Q16 rounded to nearest; 0 while there are too few scores
  uint32_t time_ms;    // time of the newest scores
  bool is_new;         // a new command: above the threshold, another label, not suppressed
};

enum class DecodeStatus : uint8_t {
  kOk,
  kWrongCount,     // the number of scores is not the number of labels
  kTimeBackwards,  // the time is before that of the newest scores
};

class RecognizeCommands {
 public:
  // `work`: DecoderWorkBytes() bytes, 4-byte aligned, kept by the caller while this object lives.
  // False when the work memory is too small or misaligned or the settings do not fit.
  bool Init(const DecoderConfig& config, Span<uint8_t> work);

  // Takes one set of scores: int8 softmax outputs, value (q + 128) / 256, label_count of them.
  // `time_ms`: milliseconds since the start, modulo 2^32; two calls may be 2^31 - 1 ms apart.
  // On kOk fills `result`; otherwise nothing changes. Constant work per call but for expiring
  // scores, each of which is removed once.
  DecodeStatus Process(Span<const int8_t> scores, uint32_t time_ms, Detection* result);

  // Back to the state after Init; dropped() keeps counting.
  void Reset();

  // Scores dropped because more than frame_capacity came within one window.
  uint32_t dropped() const { return dropped_; }

 private:
  void Push(Span<const int8_t> scores, uint32_t time_ms);
  void PopOldest();
  uint32_t OldestAge(uint32_t now_ms) const { return now_ms - times_[head_]; }
  uint16_t TopLabel() const;
  bool IsNew(uint16_t label, uint32_t now_ms);

  DecoderConfig config_ = {};
  uint32_t* times_ = nullptr;  // [frame_capacity] ring, milliseconds
  uint32_t* sums_ = nullptr;   // [label_count] sum over the ring of q + 128
  int8_t* scores_ = nullptr;   // [frame_capacity, label_count] ring
  uint16_t head_ = 0;          // oldest entry
  uint16_t count_ = 0;
  int32_t previous_label_ = kNoLabel;
  uint32_t previous_time_ = 0;
  uint32_t newest_time_ = 0;
  bool suppressing_ = false;  // within suppression_ms of the previous new label
  uint32_t dropped_ = 0;
};

}  // namespace stapes

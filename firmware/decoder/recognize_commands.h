// SPDX-License-Identifier: Apache-2.0
// Turns a stream of scores into detections: RecognizeCommands of TensorFlow's speech_commands
// (tensorflow/examples/speech_commands/recognize_commands.cc), in integer arithmetic.
//
// It differs from the original in three places, on purpose:
//  - a time before the newest one is refused (the original compares with the oldest one;
//    `tutorial_times` does as well);
//  - of equal averages the lowest label index wins (the original leaves it to an unstable sort);
//  - memory is bounded: when scores come faster than planned, the oldest is dropped and counted.
//
// docs/numerics.md, "Decoder", says what each setting beyond the original's does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Index of a label that the model does not have.
constexpr int32_t kNoLabel = -1;

// A score of 1.0 in the Q16 of thresholds and results.
constexpr uint32_t kScoreOneQ16 = 65536;

// What makes a label a new command.
enum class DecoderMode : uint8_t {
  kRecognizeCommands,  // the original's rules: another label than the one before
  kStreaming,          // for networks with a memory of their own: rising above the threshold
};

// Settings of the decoder; `stapes emit` writes them from the model file.
struct DecoderConfig {
  uint16_t label_count;        // 1 or more
  int16_t silence_label;       // index of "_silence_", kNoLabel when the model has none
  uint16_t frame_capacity;     // scores kept at most: DecoderFrameCapacity()
  uint16_t minimum_count;      // scores that must be in the window before anything is detected;
                               // kStreaming: that must have come since the start
  uint32_t average_window_ms;  // scores older than this leave the average
  uint32_t threshold_q16;      // an average must be greater: Q16, at most kScoreOneQ16, rounded up
  uint32_t suppression_ms;     // no second detection within this time, silence excepted
  // One for each label, in the form of threshold_q16 and instead of it; nullptr: threshold_q16 for
  // all.
  const uint32_t* thresholds_q16 = nullptr;
  // Above 0: after a detection, a label is not detected again before its average has fallen to its
  // threshold less this value, or lower. Q16, at most kScoreOneQ16.
  uint32_t hysteresis_q16 = 0;
  DecoderMode mode = DecoderMode::kRecognizeCommands;
  bool retrigger = false;       // a label that still leads is new again after suppression_ms
  bool tutorial_times = false;  // refuse only times before the oldest kept, as the original does
};

// Scores that one averaging window can hold when one comes every `stride_samples` of audio at
// `sample_rate` hertz. Times are cut down to whole milliseconds, so a window spans up to 1 ms more.
constexpr uint16_t DecoderFrameCapacity(uint32_t average_window_ms, uint32_t stride_samples,
                                        uint32_t sample_rate) {
  return static_cast<uint16_t>((static_cast<uint64_t>(average_window_ms + 1) * sample_rate +
                                static_cast<uint64_t>(stride_samples) * 1000 - 1) /
                               (static_cast<uint64_t>(stride_samples) * 1000));
}

// Bytes of work memory for RecognizeCommands::Init: times, sums, thresholds, the ring of scores,
// and which labels are held.
constexpr std::size_t DecoderWorkBytes(uint16_t label_count, uint16_t frame_capacity) {
  return (std::size_t{frame_capacity} + 2u * std::size_t{label_count}) * sizeof(uint32_t) +
         (std::size_t{frame_capacity} + 1) * label_count;
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
  kTimeBackwards,  // the time is before that of the newest scores (tutorial_times: the oldest)
};

class RecognizeCommands {
 public:
  // `work`: DecoderWorkBytes() bytes, 4-byte aligned, kept by the caller while this object lives.
  // False when the work memory is too small or misaligned or the settings do not fit.
  bool Init(const DecoderConfig& config, Span<uint8_t> work);

  // Takes one set of scores: int8 softmax outputs, value (q + 128) / 256, label_count of them.
  // `time_ms`: milliseconds since the start, modulo 2^32; two calls may be 2^30 ms apart.
  // On kOk fills `result`; otherwise nothing changes. Constant work per call but for expiring
  // scores, each of which is removed once.
  DecodeStatus Process(Span<const int8_t> scores, uint32_t time_ms, Detection* result);

  // Back to the state after Init; settings stay as they are, dropped() keeps counting.
  void Reset();

  // The settings in force; `thresholds_q16` points to one threshold for each label.
  const DecoderConfig& config() const { return config_; }

  // Takes other settings from the next scores on; scores, label and suppression are kept. To
  // change one, copy config(), change it there and hand it back.
  // False, and nothing changes, when they do not fit, name another label count, silence label or
  // frame capacity, or a longer averaging window than Init got, for which the memory was sized.
  bool Reconfigure(const DecoderConfig& config);

  // The threshold of one label, Q16. False when there is no such label or it is above
  // kScoreOneQ16. At kScoreOneQ16 the label is never detected.
  bool SetThreshold(uint16_t label, uint32_t threshold_q16);

  // The average score of one label over the window, Q16 rounded to nearest; 0 without scores or
  // such a label.
  uint32_t AverageQ16(uint16_t label) const;

  // Scores dropped because more than frame_capacity came within one window.
  uint32_t dropped() const { return dropped_; }

 private:
  void Adopt(const DecoderConfig& config);
  bool IsInOrder(uint32_t time_ms) const;
  void Push(Span<const int8_t> scores, uint32_t time_ms);
  void PopOldest();
  // Negative when the oldest has a later time: `tutorial_times` only.
  int32_t OldestAge(uint32_t now_ms) const { return static_cast<int32_t>(now_ms - times_[head_]); }
  int32_t PreviousAge(uint32_t now_ms) const {
    return static_cast<int32_t>(now_ms - previous_time_);
  }
  bool IsReady(uint32_t now_ms) const;
  uint16_t TopLabel() const;
  bool IsAbove(uint16_t label, uint32_t threshold_q16) const;
  void ReleaseLabels();
  void ForgetSuppression(uint32_t now_ms);
  bool IsSuppressed(uint32_t now_ms) const;
  bool IsHeld(uint16_t label) const;
  bool IsNew(uint16_t label, uint32_t now_ms);

  DecoderConfig config_ = {};
  uint32_t* times_ = nullptr;       // [frame_capacity] ring, milliseconds
  uint32_t* sums_ = nullptr;        // [label_count] sum over the ring of q + 128
  uint32_t* thresholds_ = nullptr;  // [label_count] Q16
  int8_t* scores_ = nullptr;        // [frame_capacity, label_count] ring
  uint8_t* held_ = nullptr;         // [label_count] 1: detected, its average has not fallen since
  uint32_t longest_window_ms_ = 0;  // what the ring was sized for
  uint16_t head_ = 0;               // oldest entry
  uint16_t count_ = 0;
  uint16_t heard_ = 0;  // scores since the start, counted up to minimum_count
  int32_t previous_label_ = kNoLabel;
  uint32_t previous_time_ = 0;
  uint32_t newest_time_ = 0;
  bool suppressing_ = false;  // the previous new label suppresses others for suppression_ms
  uint32_t dropped_ = 0;
};

}  // namespace stapes

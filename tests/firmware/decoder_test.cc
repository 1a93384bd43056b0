// SPDX-License-Identifier: Apache-2.0
// RecognizeCommands: the numbered rules of TensorFlow's recognize_commands.cc, one case each.
#include "decoder/recognize_commands.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

namespace stapes {
namespace {

constexpr int32_t kSilence = 0;
constexpr int32_t kYes = 1;
constexpr int32_t kNo = 2;
constexpr uint16_t kLabels = 3;

// Window 1000 ms, threshold 0.5, suppression 500 ms, at least 3 scores: one each 100 ms.
constexpr DecoderConfig kConfig = {kLabels, kSilence, 11, 3, 1000, kScoreOneQ16 / 2, 500};

// A decoder with memory of its own, fed with scores in 1/256.
class Decoder {
 public:
  explicit Decoder(const DecoderConfig& config = kConfig)
      : work_((DecoderWorkBytes(config.label_count, config.frame_capacity) + 3) / 4) {
    REQUIRE(commands.Init(config, {reinterpret_cast<uint8_t*>(work_.data()), work_.size() * 4}));
  }

  Detection At(uint32_t time_ms, std::array<int, kLabels> scores) {
    Detection detection = {};
    REQUIRE(Status(time_ms, scores, &detection) == DecodeStatus::kOk);
    return detection;
  }

  DecodeStatus Status(uint32_t time_ms, std::array<int, kLabels> scores, Detection* detection) {
    std::array<int8_t, kLabels> raw = {};
    for (std::size_t i = 0; i < raw.size(); ++i) {
      raw[i] = static_cast<int8_t>(scores[i] - 128);
    }
    return commands.Process({raw.data(), raw.size()}, time_ms, detection);
  }

  // Scores each 100 ms from `from` to `to`; the last detection.
  Detection Feed(uint32_t from, uint32_t to, std::array<int, kLabels> scores) {
    Detection detection = {};
    for (uint32_t time = from; time <= to; time += 100) {
      detection = At(time, scores);
    }
    return detection;
  }

  RecognizeCommands commands;

 private:
  std::vector<uint32_t> work_;
};

constexpr std::array<int, kLabels> kAllYes = {0, 255, 0};
constexpr std::array<int, kLabels> kAllNo = {0, 0, 255};
constexpr std::array<int, kLabels> kAllSilence = {255, 0, 0};

TEST_CASE("rule 1: another number of scores than labels is refused") {
  Decoder decoder;
  const int8_t two[] = {0, 0};
  Detection detection = {};
  CHECK(decoder.commands.Process(two, 0, &detection) == DecodeStatus::kWrongCount);
}

TEST_CASE("rule 2: a time before the newest is refused and changes nothing") {
  Decoder decoder;
  decoder.Feed(0, 300, kAllYes);
  Detection detection = {};
  CHECK(decoder.Status(299, kAllNo, &detection) == DecodeStatus::kTimeBackwards);
  CHECK(decoder.At(300, kAllYes).label == kYes);
}

TEST_CASE("rule 2: an equal time is accepted") {
  Decoder decoder;
  decoder.At(5, kAllYes);
  Detection detection = {};
  CHECK(decoder.Status(5, kAllYes, &detection) == DecodeStatus::kOk);
}

TEST_CASE("rule 4: a score of exactly the window's age stays, an older one leaves") {
  Decoder decoder;
  decoder.At(0, kAllNo);
  decoder.At(500, kAllYes);
  // The mean of yes over {no, yes, yes} is 170/256.
  CHECK(decoder.At(1000, kAllYes).score_q16 == 170 * 256);
  CHECK(decoder.At(1001, kAllYes).score_q16 == 255 * 256);
}

TEST_CASE("rule 5: fewer scores than the minimum count give the previous label and score 0") {
  Decoder decoder;
  decoder.At(0, kAllYes);
  const Detection second = decoder.At(400, kAllYes);
  CHECK(second.label == kSilence);
  CHECK(second.score_q16 == 0);
  CHECK_FALSE(second.is_new);
  CHECK(decoder.At(401, kAllYes).is_new);
}

TEST_CASE("rule 5: scores that span less than a quarter of the window detect nothing") {
  Decoder decoder;
  for (uint32_t time = 0; time < 250; time += 50) {
    CHECK(decoder.At(time, kAllYes).score_q16 == 0);
  }
  CHECK(decoder.At(250, kAllYes).is_new);
}

TEST_CASE("rule 6: scores are averaged over the window") {
  Decoder decoder;
  decoder.At(0, {0, 10, 0});
  decoder.At(100, {0, 20, 0});
  decoder.At(200, {0, 90, 0});
  CHECK(decoder.At(300, {0, 120, 0}).score_q16 == 60 * 256);
}

TEST_CASE("rule 7: of equal averages the lowest label index wins") {
  Decoder decoder;
  CHECK(decoder.Feed(0, 400, {0, 128, 128}).label == kYes);
  decoder.commands.Reset();
  CHECK(decoder.Feed(0, 400, {100, 100, 100}).label == kSilence);
}

TEST_CASE("rule 8: suppression ends when more than its time has passed, not at it") {
  DecoderConfig config = kConfig;
  config.average_window_ms = 400;  // the new label leads before suppression ends
  config.minimum_count = 1;
  Decoder decoder(config);
  decoder.Feed(0, 100, kAllYes);  // new at 100
  CHECK_FALSE(decoder.Feed(200, 600, kAllNo).is_new);
  CHECK(decoder.At(601, kAllNo).is_new);
}

TEST_CASE("rule 8: after silence there is no suppression") {
  DecoderConfig config = kConfig;
  config.average_window_ms = 100;
  config.minimum_count = 1;
  config.suppression_ms = 300;
  Decoder decoder(config);
  decoder.At(0, kAllYes);
  CHECK(decoder.At(25, kAllYes).is_new);
  CHECK(decoder.Feed(126, 326, kAllSilence).is_new);  // silence itself is a new label
  decoder.At(427, kAllNo);
  CHECK(decoder.At(452, kAllNo).is_new);  // and any label may follow at once
}

TEST_CASE("rule 9: an average at the threshold is not above it") {
  Decoder decoder;
  CHECK_FALSE(decoder.Feed(0, 300, {0, 128, 0}).is_new);
  CHECK(decoder.At(400, {0, 129, 0}).is_new);
}

TEST_CASE("rule 9: a label is new once, until another one has won") {
  Decoder decoder;
  CHECK_FALSE(decoder.Feed(0, 200, kAllYes).is_new);
  CHECK(decoder.At(300, kAllYes).is_new);
  CHECK_FALSE(decoder.Feed(400, 5000, kAllYes).is_new);
}

TEST_CASE("rule 10: label and score of the leader are given although it is not new") {
  Decoder decoder;
  decoder.Feed(0, 1000, kAllYes);
  const Detection detection = decoder.At(1100, kAllYes);
  CHECK(detection.label == kYes);
  CHECK(detection.score_q16 == 255 * 256);
  CHECK(detection.time_ms == 1100);
}

TEST_CASE("a model without _silence_ starts without a label") {
  DecoderConfig config = kConfig;
  config.silence_label = kNoLabel;
  Decoder decoder(config);
  CHECK(decoder.At(0, kAllSilence).label == kNoLabel);
  CHECK(decoder.Feed(100, 300, {255, 0, 0}).is_new);
}

TEST_CASE("scores that come faster than planned push the oldest out and are counted") {
  Decoder decoder;
  for (uint32_t time = 0; time < 11; ++time) {
    decoder.At(time, kAllNo);
  }
  CHECK(decoder.commands.dropped() == 0);
  decoder.At(11, kAllYes);
  CHECK(decoder.commands.dropped() == 1);
  for (uint32_t time = 100; time <= 1000; time += 90) {
    decoder.At(time, kAllYes);
  }
  CHECK(decoder.At(1000, kAllYes).score_q16 == 255 * 256);
}

TEST_CASE("a score that leaves by its age is not counted as dropped") {
  Decoder decoder;
  decoder.Feed(0, 5000, kAllYes);
  CHECK(decoder.commands.dropped() == 0);
}

TEST_CASE("the clock may wrap") {
  DecoderConfig config = kConfig;
  config.average_window_ms = 400;
  Decoder decoder(config);
  const uint32_t start = 0u - 150;
  for (uint32_t since = 0; since < 200; since += 100) {
    CHECK(decoder.At(start + since, kAllYes).label == kSilence);
  }
  CHECK(decoder.At(start + 200, kAllYes).is_new);
  for (uint32_t since = 300; since <= 700; since += 100) {
    CHECK_FALSE(decoder.At(start + since, kAllNo).is_new);
  }
  CHECK(decoder.At(start + 701, kAllNo).is_new);
}

TEST_CASE("a detection is not suppressed by one 49.7 days ago") {
  DecoderConfig config = kConfig;
  config.average_window_ms = 400;
  Decoder decoder(config);
  decoder.Feed(0, 200, kAllYes);
  uint32_t time = 200;
  for (int step = 0; step < 4; ++step) {  // four quarters of the clock's turn
    time += 1u << 30;
    decoder.At(time, kAllYes);
  }
  decoder.At(time + 50, kAllNo);
  CHECK(decoder.At(time + 150, kAllNo).is_new);
}

TEST_CASE("Reset forgets scores, label and suppression") {
  Decoder decoder;
  decoder.Feed(0, 5000, kAllYes);
  decoder.commands.Reset();
  CHECK_FALSE(decoder.Feed(0, 200, kAllYes).is_new);
  CHECK(decoder.At(300, kAllYes).is_new);
}

// A decoder in streaming mode that averages two scores, 100 ms apart.
DecoderConfig Streaming() {
  DecoderConfig config = kConfig;
  config.mode = DecoderMode::kStreaming;
  config.average_window_ms = 100;
  config.minimum_count = 1;
  return config;
}

TEST_CASE("each label has its own threshold where there is a list of them") {
  const uint32_t thresholds[kLabels] = {kScoreOneQ16, kScoreOneQ16 / 2, kScoreOneQ16 * 3 / 4};
  DecoderConfig config = kConfig;
  config.thresholds_q16 = thresholds;
  Decoder decoder(config);
  CHECK_FALSE(decoder.Feed(0, 1000, {255, 0, 0}).is_new);
  CHECK_FALSE(decoder.Feed(1100, 2500, {0, 0, 192}).is_new);
  CHECK(decoder.Feed(2600, 3000, {0, 0, 255}).label == kNo);
  decoder.commands.Reset();
  CHECK_FALSE(decoder.Feed(0, 200, {0, 129, 0}).is_new);
  CHECK(decoder.At(300, {0, 129, 0}).is_new);
}

TEST_CASE("a threshold set at run time holds from the next scores on") {
  Decoder decoder;
  CHECK(decoder.commands.SetThreshold(kYes, kScoreOneQ16));
  CHECK_FALSE(decoder.Feed(0, 1000, kAllYes).is_new);
  CHECK(decoder.commands.config().thresholds_q16[kYes] == kScoreOneQ16);
  CHECK(decoder.commands.SetThreshold(kYes, kScoreOneQ16 / 4));
  CHECK(decoder.At(1100, kAllYes).is_new);
  CHECK_FALSE(decoder.commands.SetThreshold(kLabels, 0));
  CHECK_FALSE(decoder.commands.SetThreshold(kNo, kScoreOneQ16 + 1));
}

TEST_CASE("Reconfigure changes settings at run time and keeps what was heard") {
  Decoder decoder;
  decoder.Feed(0, 900, {0, 100, 0});
  decoder.commands.SetThreshold(kNo, 123);
  DecoderConfig config = decoder.commands.config();
  config.average_window_ms = 300;
  config.suppression_ms = 0;
  REQUIRE(decoder.commands.Reconfigure(config));
  CHECK(decoder.At(1000, {0, 200, 0}).score_q16 == 125 * 256);  // of four scores
  CHECK(decoder.commands.config().thresholds_q16[kNo] == 123);
  REQUIRE(decoder.commands.Reconfigure(kConfig));  // the model's own again
  CHECK(decoder.commands.config().average_window_ms == 1000);
  CHECK(decoder.commands.config().thresholds_q16[kNo] == kConfig.threshold_q16);
}

TEST_CASE("Reconfigure refuses what does not fit, and changes nothing") {
  Decoder decoder;
  const auto refuses = [&](void (*change)(DecoderConfig*)) {
    DecoderConfig config = kConfig;
    config.suppression_ms = 77;
    change(&config);
    return !decoder.commands.Reconfigure(config) && decoder.commands.config().suppression_ms == 500;
  };
  CHECK(refuses([](DecoderConfig* c) { c->average_window_ms = 1001; }));
  CHECK(refuses([](DecoderConfig* c) { c->label_count = 2; }));
  CHECK(refuses([](DecoderConfig* c) { c->silence_label = kYes; }));
  CHECK(refuses([](DecoderConfig* c) { c->frame_capacity = 10; }));
  CHECK(refuses([](DecoderConfig* c) { c->threshold_q16 = kScoreOneQ16 + 1; }));
  CHECK(refuses([](DecoderConfig* c) { c->hysteresis_q16 = kScoreOneQ16 + 1; }));
  CHECK(refuses([](DecoderConfig* c) { c->suppression_ms = 1u << 28; }));
  static constexpr uint32_t kTooHigh[kLabels] = {0, 0, kScoreOneQ16 + 1};
  CHECK(refuses([](DecoderConfig* c) { c->thresholds_q16 = kTooHigh; }));
}

TEST_CASE("retrigger: a label that still leads is new again when suppression has passed") {
  DecoderConfig config = kConfig;
  config.retrigger = true;
  Decoder decoder(config);
  decoder.Feed(0, 200, kAllYes);
  CHECK(decoder.At(300, kAllYes).is_new);
  CHECK_FALSE(decoder.Feed(400, 800, kAllYes).is_new);
  CHECK(decoder.At(801, kAllYes).is_new);
}

TEST_CASE("retrigger: silence is new once all the same") {
  DecoderConfig config = kConfig;
  config.retrigger = true;
  config.silence_label = kNo;
  Decoder decoder(config);
  decoder.Feed(0, 1000, kAllYes);
  int silences = 0;
  for (uint32_t time = 1100; time < 9000; time += 100) {
    const Detection detection = decoder.At(time, kAllNo);
    silences += detection.is_new && detection.label == kNo;
  }
  CHECK(silences == 1);
}

TEST_CASE("hysteresis: a label is not new again before its average has fallen far enough") {
  DecoderConfig config = kConfig;
  config.average_window_ms = 100;
  config.minimum_count = 1;
  config.retrigger = true;
  config.hysteresis_q16 = kScoreOneQ16 / 4;
  Decoder decoder(config);
  const auto count = [&](uint32_t from, uint32_t to, int score) {
    int found = 0;
    for (uint32_t time = from; time <= to; time += 50) {
      found += decoder.At(time, {0, score, 0}).is_new;
    }
    return found;
  };
  CHECK(count(0, 1000, 200) == 1);
  CHECK(count(1050, 2000, 65) == 0);  // above a quarter: still held
  CHECK(count(2050, 3000, 200) == 0);
  CHECK(count(3050, 4000, 64) == 0);  // a quarter: released
  CHECK(count(4050, 5000, 200) == 1);
}

TEST_CASE("hysteresis beyond the threshold releases at an average of zero") {
  DecoderConfig config = Streaming();
  config.hysteresis_q16 = kScoreOneQ16;
  Decoder decoder(config);
  CHECK(decoder.At(0, kAllYes).is_new);
  decoder.Feed(100, 1000, {0, 1, 0});
  CHECK_FALSE(decoder.At(1100, kAllYes).is_new);
  decoder.Feed(1200, 2000, {1, 0, 0});
  decoder.At(2100, kAllYes);
  CHECK(decoder.commands.config().hysteresis_q16 == kScoreOneQ16);
  decoder.commands.Reset();
  CHECK(decoder.At(2200, kAllYes).is_new);  // Reset releases
}

TEST_CASE("streaming: a word is new when it rises above its threshold, once until it falls") {
  Decoder decoder(Streaming());
  CHECK(decoder.At(0, kAllYes).is_new);  // neither count nor quarter of a window are waited for
  CHECK_FALSE(decoder.Feed(100, 2000, kAllYes).is_new);
  decoder.Feed(2100, 2200, {0, 100, 0});  // no other label has to win
  decoder.At(2300, kAllYes);
  CHECK(decoder.At(2400, kAllYes).label == kYes);
  decoder.commands.Reset();
  decoder.At(0, kAllYes);
  decoder.Feed(100, 600, {0, 100, 0});
  CHECK(decoder.At(700, {0, 200, 0}).is_new);
}

TEST_CASE("streaming: suppression holds for every label, silence in between or not") {
  DecoderConfig config = Streaming();
  config.average_window_ms = 0;
  const uint32_t thresholds[kLabels] = {kScoreOneQ16, kScoreOneQ16 / 2, kScoreOneQ16 / 2};
  config.thresholds_q16 = thresholds;
  Decoder decoder(config);
  CHECK(decoder.At(0, kAllYes).is_new);
  CHECK_FALSE(decoder.Feed(100, 300, kAllSilence).is_new);  // never detected: threshold 1
  CHECK_FALSE(decoder.Feed(400, 500, kAllNo).is_new);
  CHECK(decoder.At(501, kAllNo).is_new);
}

TEST_CASE("streaming: nothing is detected before the minimum count has come since the start") {
  DecoderConfig config = Streaming();
  config.minimum_count = 5;  // more than the window holds
  Decoder decoder(config);
  CHECK(decoder.Feed(0, 300, kAllYes).score_q16 == 0);
  CHECK(decoder.At(400, kAllYes).is_new);
  decoder.commands.Reset();
  CHECK_FALSE(decoder.Feed(500, 800, kAllYes).is_new);
  CHECK(decoder.At(900, kAllYes).is_new);
}

TEST_CASE("tutorial_times: times before the newest are taken, those before the oldest are not") {
  DecoderConfig config = kConfig;
  config.tutorial_times = true;
  Decoder decoder(config);
  decoder.At(100, kAllYes);
  decoder.At(500, kAllYes);
  Detection detection = {};
  CHECK(decoder.Status(99, kAllNo, &detection) == DecodeStatus::kTimeBackwards);
  CHECK(decoder.Status(200, kAllNo, &detection) == DecodeStatus::kOk);
  CHECK(detection.score_q16 == 0);  // 100 ms since the oldest: less than a quarter of the window
  CHECK(decoder.At(400, kAllYes).score_q16 == 255 * 256 * 3 / 4);
}

TEST_CASE("Init refuses work memory and settings that do not fit") {
  alignas(4) uint8_t work[DecoderWorkBytes(kLabels, 11) + 4];
  RecognizeCommands commands;
  CHECK(commands.Init(kConfig, {work, DecoderWorkBytes(kLabels, 11)}));
  CHECK_FALSE(commands.Init(kConfig, {work, DecoderWorkBytes(kLabels, 11) - 1}));
  CHECK_FALSE(commands.Init(kConfig, {work + 1, DecoderWorkBytes(kLabels, 11)}));
  DecoderConfig config = kConfig;
  config.threshold_q16 = kScoreOneQ16 + 1;
  CHECK_FALSE(commands.Init(config, work));
  config = kConfig;
  config.label_count = 0;
  CHECK_FALSE(commands.Init(config, work));
  config = kConfig;
  config.silence_label = kLabels;
  CHECK_FALSE(commands.Init(config, work));
}

TEST_CASE("the ring holds what one window can hold") {
  static_assert(DecoderFrameCapacity(1000, 320, 16000) == 51);
  static_assert(DecoderFrameCapacity(1000, 160, 16000) == 101);
  // 128 samples at 44.1 kHz are 2.902... ms: 0 to 345 strides stay within 1001 ms.
  static_assert(DecoderFrameCapacity(1000, 128, 44100) == 345);
}

}  // namespace
}  // namespace stapes

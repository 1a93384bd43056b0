// SPDX-License-Identifier: Apache-2.0
// The application's edges: a port that stops taking bytes, and what events look like as lines.
// The whole application is tested from Python (tests/host/link/test_link_session.py).
#include <doctest/doctest.h>

#include <string>

#include "app/application.h"
#include "app/audio_tap.h"
#include "app/event_sink.h"

namespace stapes {
namespace {

// Takes `room` bytes and then no more; each pause lasts a millisecond.
class FakePort : public Port {
 public:
  std::size_t Read(Span<uint8_t>) override { return 0; }
  std::size_t Write(Span<const uint8_t> bytes) override {
    const std::size_t count = bytes.size() < room ? bytes.size() : room;
    room -= count;
    sent.append(reinterpret_cast<const char*>(bytes.data()), count);
    return count;
  }
  void Pause() override { ++now_ms; }
  Losses Lost() const override { return {0, 0}; }
  bool ButtonDown() const override { return button; }
  uint64_t UniqueId() const override { return 0; }
  uint32_t Millis() const override { return now_ms; }
  uint32_t Ticks() const override { return 0; }
  uint32_t TicksPerSecond() const override { return 0; }
  StackUse Stack() const override { return {0, 0}; }

  std::size_t room = 100000;
  bool button = false;
  uint32_t now_ms = 0xFFFFFF00;  // the clock wraps while somebody waits
  std::string sent;
};

void Line(LineWriter& lines, std::size_t length) {
  lines.Begin("x");
  lines.Field("text", std::string(length, 'a').c_str());
  lines.End();
}

TEST_CASE("a line goes out whole, however long") {
  FakePort port;
  PortSink sink(port);
  LineWriter lines(sink);
  Line(lines, 1000);
  CHECK(port.sent.size() == 1000 + std::string("$0000 x text=*FFFF\r\n").size());
  CHECK(sink.lost_lines() == 0);
}

TEST_CASE("a port that takes nothing costs its patience once, and the lines are counted") {
  FakePort port;
  PortSink sink(port);
  LineWriter lines(sink);
  port.room = 10;
  const uint32_t start_ms = port.now_ms;
  Line(lines, 300);
  CHECK(sink.lost_lines() == 1);
  const uint32_t waited_ms = port.now_ms - start_ms;
  CHECK(waited_ms > PortSink::kPatienceMs);
  CHECK(waited_ms < PortSink::kPatienceMs + 10);
  Line(lines, 300);
  Line(lines, 300);
  CHECK(port.now_ms - start_ms == waited_ms);  // nobody waits again
  CHECK(sink.lost_lines() == 3);
}

TEST_CASE("when the port takes bytes again, whole lines follow") {
  FakePort port;
  PortSink sink(port);
  LineWriter lines(sink);
  port.room = 10;
  Line(lines, 300);
  port.room = 100000;
  port.sent.clear();
  Line(lines, 3);
  CHECK(port.sent.substr(0, 16) == "$0001 x text=aaa");
  CHECK(sink.lost_lines() == 1);
}

TEST_CASE("a short pause of the port loses nothing") {
  class SlowPort : public FakePort {
   public:
    void Pause() override {
      FakePort::Pause();
      room = 1;
    }
  };
  SlowPort port;
  port.room = 0;
  PortSink sink(port);
  LineWriter lines(sink);
  Line(lines, 100);
  CHECK(sink.lost_lines() == 0);
  CHECK(port.sent.substr(port.sent.size() - 2) == "\r\n");
}

TEST_CASE("hello says who speaks; only an answer carries the request") {
  const char* const labels[] = {"_silence_", "ja"};
  ModelBundle bundle = {};
  bundle.name = "a model";
  bundle.sha256 = "00";
  bundle.labels = labels;
  bundle.label_count = 2;
  bundle.sample_rate = 16000;
  FakePort port;
  PortSink sink(port);
  LineWriter lines(sink);
  WriteHello(lines, bundle, {"b", 0}, kUnasked);
  CHECK(port.sent.find("board=b model=a%20model sha256=00 labels=_silence_,ja sample_rate=16000") !=
        std::string::npos);
  CHECK(port.sent.find("request") == std::string::npos);
  WriteHello(lines, bundle, {"b", 0x0123456789ABCDEF}, 0);
  CHECK(port.sent.find(" request=0*") != std::string::npos);
  CHECK(port.sent.find("board=b id=0123456789ABCDEF model") != std::string::npos);
}

// Lines about a model of two labels.
struct LinesOfWords {
  const char* const labels[2] = {"_silence_", "ja"};
  ModelBundle bundle = {};
  FakePort port;
  PortSink sink{port};
  LineWriter lines{sink};

  LinesOfWords() { bundle.labels = labels; }
};

TEST_CASE_FIXTURE(LinesOfWords, "scores are sent when asked for, detections always, and counted") {
  EventSink events(lines, bundle);
  const int8_t scores[] = {-128, 127};
  events.OnScores(30, scores);
  CHECK(port.sent.empty());
  events.SendScores(true);
  events.OnScores(30, scores);
  CHECK(port.sent.substr(0, 28) == "$0000 scores time_ms=30 q=80");
  port.sent.clear();
  events.OnDetection({1, 32768, 50, true});
  CHECK(port.sent.substr(0, 50) == "$0001 detection time_ms=50 label=ja score=0.50000*");
  CHECK(events.detections() == 1);
}

TEST_CASE_FIXTURE(LinesOfWords, "of two models, the lines of the first say so") {
  EventSink events(lines, bundle, "wake");
  events.SendScores(true);
  const int8_t scores[] = {-128, 127};
  events.OnScores(30, scores);
  CHECK(port.sent.substr(0, 30) == "$0000 scores stage=wake time_m");
  port.sent.clear();
  events.OnDetection({1, 32768, 50, true});
  CHECK(port.sent.substr(0, 41) == "$0001 detection stage=wake time_ms=50 lab");
}

// Lines of audio among what a port was sent.
int AudioLines(const FakePort& port) {
  int count = 0;
  for (std::size_t at = 0; (at = port.sent.find(" audio ", at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

TEST_CASE("audio goes back to the host only when asked for, with the number of each first sample") {
  FakePort port;
  PortSink sink(port);
  LineWriter lines(sink);
  AudioTap tap(lines);
  const int16_t samples[300] = {1, -2};
  tap.Hear(0, samples, 0);
  CHECK(port.sent.empty());
  tap.Allow(AudioTap::kUnlimited, 0);
  tap.Hear(0x100000000, samples, 0);
  CHECK(port.sent.substr(0, 38) == "$0000 audio sample=4294967296 pcm=AQD+");
  CHECK(port.sent.find("audio sample=4294967424 pcm=AAAA") != std::string::npos);
  CHECK(AudioLines(port) == 3);
  tap.Allow(0, 0);
  tap.Hear(0, samples, 0);
  CHECK(AudioLines(port) == 3);
}

TEST_CASE("audio lines take no more of the line than they may, also when the clock wraps") {
  FakePort port;
  port.room = 10000000;
  PortSink sink(port);
  LineWriter lines(sink);
  AudioTap tap(lines);
  constexpr uint32_t kRate = 8000;
  const uint32_t start_ms = 0xFFFFF000;
  tap.Allow(kRate, start_ms);
  const int16_t samples[128] = {};
  for (uint32_t ms = 0; ms < 20000; ms += 8) {
    tap.Hear(16 * ms, samples, start_ms + ms);
  }
  CHECK(port.sent.size() < 20 * kRate + 384);
  CHECK(port.sent.size() > 20 * kRate * 85 / 100);
}

}  // namespace
}  // namespace stapes

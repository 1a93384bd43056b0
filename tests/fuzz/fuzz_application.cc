// SPDX-License-Identifier: Apache-2.0
// The whole application, with and without silence gates and a wake word before the model, driven by
// any sequence of events: frames and garbage from the host, audio, whole and damaged models, power
// that goes while flash is written, flash that rots, a port that takes nothing, a clock that jumps
// and wraps.
//
// However it is driven: every line is whole and has a right checksum, a model runs after every
// start, it is one that the board has agreed to, it falls asleep only after a wake word, and a host
// that asks is answered.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/application.h"
#include "app/model_loader.h"
#include "app/silence_gate.h"
#include "app/wake_listener.h"
#include "base/crc16.h"
#include "base/crc32.h"
#include "nn/all_operators.h"
#include "require.h"
#include "tests/firmware/frontend_tables.h"
#include "tests/firmware/nn_fixtures.h"

namespace stapes {
namespace {

constexpr uint32_t kRate = 8000;
constexpr uint16_t kFeatures = 7;  // of kSvdfModel
constexpr uint16_t kLabels = 3;
constexpr uint32_t kFrontEndCrc = 0x600DF00D;
constexpr std::size_t kArenaBytes = 4096;
constexpr std::size_t kDecoderFrames = 8;
constexpr std::size_t kPage = 512;
constexpr std::size_t kFlashBytes = 2 * 12 * kPage;
constexpr int kMaxEvents = 80;
constexpr std::size_t kMaxSamples = 12000;  // of one input: what keeps it short
constexpr std::size_t kHashDigits = 64;
constexpr std::size_t kHashPosition = 64 + 4 * kLabels;  // in an image

constexpr uint32_t kGateOctave = 65536;  // 6.02 dB
constexpr GateConfig kGate = {64, 2, 6, 3, 2, kGateOctave, 8 * kGateOctave, 655, 6554};

const char* const kLabelNames[kLabels] = {"ja", "nein, nie", "_silence_"};
constexpr int16_t kSilence = 2;
// Near the scores that kSvdfModel gives, so that noise is now and then a word.
const uint32_t kThresholds[kLabels] = {32300, 30000, 65536};
constexpr WakeConfig kAwake = {300, 1 << 0};

// Bytes of the fuzzer's input, zeros behind its end.
class Choices {
 public:
  explicit Choices(Span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return at_ >= bytes_.size(); }
  uint8_t Byte() { return empty() ? uint8_t{0} : bytes_[at_++]; }
  uint32_t Number() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      value = value << 8 | Byte();
    }
    return value;
  }
  std::vector<uint8_t> Bytes(std::size_t count) {
    std::vector<uint8_t> taken;
    for (std::size_t i = 0; i < count && !empty(); ++i) {
      taken.push_back(Byte());
    }
    return taken;
  }

 private:
  Span<const uint8_t> bytes_;
  std::size_t at_ = 0;
};

// What is written stays in `memory`; the power goes after `energy` bytes.
class FuzzFlash : public Flash {
 public:
  FuzzFlash() { std::memset(memory_.data(), 0xFF, kFlashBytes); }
  Span<const uint8_t> bytes() const override { return memory_; }
  std::size_t page_bytes() const override { return kPage; }

  bool Erase(std::size_t offset) override {
    Require(offset % kPage == 0 && offset < kFlashBytes, "no page is erased there");
    for (std::size_t i = 0; i < kPage && energy > 0; ++i, --energy) {
      memory_.data()[offset + i] = 0xFF;
    }
    return energy > 0;
  }

  bool Write(std::size_t offset, Span<const uint8_t> data) override {
    Require(offset % kFlashWriteBytes == 0 && data.size() % kFlashWriteBytes == 0 &&
                offset + data.size() <= kFlashBytes,
            "no piece of flash is written there");
    for (std::size_t i = 0; i < data.size() && energy > 0; ++i, --energy) {
      memory_.data()[offset + i] = static_cast<uint8_t>(memory_.data()[offset + i] & data[i]);
    }
    return energy > 0;
  }

  void Flip(std::size_t byte, int bit) {
    memory_.data()[byte % kFlashBytes] ^= static_cast<uint8_t>(1u << bit);
  }

  std::size_t energy = SIZE_MAX;

 private:
  Exact held_{kFlashBytes};
  Span<uint8_t> memory_ = held_.span();
};

class FuzzPort : public Port {
 public:
  std::size_t Read(Span<uint8_t> bytes) override {
    std::size_t count = received.size() - read_;
    count = count < bytes.size() ? count : bytes.size();
    count = count < read_limit ? count : read_limit;
    std::memcpy(bytes.data(), received.data() + read_, count);
    read_ += count;
    return count;
  }
  std::size_t Write(Span<const uint8_t> bytes) override {
    const std::size_t count = bytes.size() < room ? bytes.size() : room;
    room -= room == SIZE_MAX ? 0 : count;
    sent.append(reinterpret_cast<const char*>(bytes.data()), count);
    return count;
  }
  void Pause() override { ++now_ms; }
  Losses Lost() const override { return lost; }
  bool ButtonDown() const override { return button; }
  uint64_t UniqueId() const override { return 0x1234; }
  uint32_t Millis() const override { return now_ms; }
  uint32_t Ticks() const override { return now_ms * 1000; }
  uint32_t TicksPerSecond() const override { return 1000000; }
  StackUse Stack() const override { return {0, 0}; }
  bool HasInput() const { return read_ < received.size(); }
  void Forget() {
    received.clear();
    read_ = 0;
  }

  std::string received;
  std::size_t read_limit = SIZE_MAX;
  std::size_t room = SIZE_MAX;
  bool button = false;
  Losses lost = {};
  uint32_t now_ms = 0;
  std::string sent;

 private:
  std::size_t read_ = 0;
};

const FrontEndTables& Tables() {
  static const testing::TestTables tables({kRate, 240, 160, 20, 20, 3800, kFeatures});
  return tables.get();
}

std::string HashOf(uint32_t number) {
  char text[kHashDigits + 1];
  std::snprintf(text, sizeof text, "%064u", static_cast<unsigned>(number));
  return text;
}

ModelBundle BuiltIn() {
  static const std::string hash = HashOf(0);
  ModelBundle bundle = {};
  bundle.name = "built in";
  bundle.sha256 = hash.c_str();
  bundle.labels = kLabelNames;
  bundle.label_count = kLabels;
  bundle.feature_count = kFeatures;
  bundle.sample_rate = kRate;
  bundle.window_samples = 240;
  bundle.stride_samples = 160;
  bundle.model = kSvdfModel;
  bundle.front_end = &Tables();
  bundle.operators = AllOperators();
  bundle.decoder.label_count = kLabels;
  bundle.decoder.silence_label = kSilence;
  bundle.decoder.minimum_count = 2;
  bundle.decoder.frame_capacity = kDecoderFrames;
  bundle.decoder.average_window_ms = 100;
  bundle.decoder.suppression_ms = 200;
  bundle.decoder.threshold_q16 = 30000;
  bundle.decoder.thresholds_q16 = kThresholds;
  bundle.decoder.mode = DecoderMode::kStreaming;
  bundle.arena_bytes = kArenaBytes;
  bundle.front_end_work_bytes = Tables().work_bytes;
  bundle.decoder_work_bytes = DecoderWorkBytes(kLabels, kDecoderFrames);
  bundle.front_end_crc = kFrontEndCrc;
  bundle.window_frames = 1;
  return bundle;
}

ModelBundle WakeWord() {
  static const std::string hash = HashOf(999999);
  ModelBundle bundle = BuiltIn();
  bundle.name = "wake word";
  bundle.sha256 = hash.c_str();
  return bundle;
}

// A pipeline with the memory that its model takes, and perhaps a gate.
struct Stage {
  explicit Stage(const ModelBundle& of) : bundle(of) {}

  // Everything starts afresh.
  PipelineMemory PowerOn(bool has_gate) {
    std::memset(arena.data(), 0xA5, kArenaBytes);
    const Span<uint8_t> bytes = ring.span();
    gate.emplace(kGate, Span<int8_t>(reinterpret_cast<int8_t*>(bytes.data()), bytes.size()),
                 kFeatures);
    bundle.gate = has_gate ? &*gate : nullptr;
    pipeline.emplace();
    return {arena.span(), front_end_work.span(), decoder_work.span()};
  }

  void Check() const {
    Require(pipeline->skipped() <= pipeline->frames(), "more frames are skipped than there are");
    Require(gate->config().threshold_q16 <= 32 * kGateOctave, "a gate has no such threshold");
  }

  ModelBundle bundle;
  Exact arena{kArenaBytes};
  Exact front_end_work{Tables().work_bytes};
  Exact decoder_work{DecoderWorkBytes(kLabels, kDecoderFrames)};
  Exact ring{GateRingBytes(kGate.replay_inferences, kFeatures)};
  std::optional<SilenceGate> gate;
  std::optional<Pipeline> pipeline;
};

void Put(std::string* bytes, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) {
    bytes->push_back(static_cast<char>(value >> (8 * i)));
  }
}

// Takes images whose number is not below the newest one.
class NumberGuard final : public ModelGuard {
 public:
  Verdict Check(Span<const uint8_t> image, uint32_t least) const override {
    uint32_t number = 0;
    for (std::size_t i = 0; i < kHashDigits && kHashPosition + i < image.size(); ++i) {
      number = number * 10 + image.data()[kHashPosition + i] % 16;
    }
    return {number < least ? "older" : nullptr, number};
  }
};

// An image that the board takes, as host/stapes/link/model_image.py writes it.
std::string GoodImage(uint32_t number) {
  InferenceEngine engine;
  Exact arena(kArenaBytes);
  Require(engine.Init(kSvdfModel, AllOperators(), arena.span()) == Status::kOk, "no engine");
  std::string image = "SPTM";
  Put(&image, 1, 2);
  Put(&image, 0, 2);
  Put(&image, sizeof kSvdfModel, 4);
  Put(&image, kFrontEndCrc, 4);
  Put(&image, engine.input().scale_bits, 4);
  Put(&image, static_cast<uint32_t>(engine.input().zero_point), 4);
  Put(&image, static_cast<uint32_t>(Tables().multiplier), 4);
  Put(&image, static_cast<uint32_t>(Tables().shift), 4);
  for (const uint32_t value :
       {uint32_t{kLabels}, uint32_t{kSilence}, 2u, uint32_t{kDecoderFrames}}) {
    Put(&image, value, 2);
  }
  for (const uint32_t value : {100u, 30000u, 200u, 0u, 1u, 0u}) {
    Put(&image, value, 4);
  }
  for (const uint32_t threshold : kThresholds) {
    Put(&image, threshold, 4);
  }
  image += HashOf(number) + '\0' + "sent" + '\0';
  for (const char* label : kLabelNames) {
    image += std::string(label) + '\0';
  }
  image.resize((image.size() + 15) / 16 * 16);
  image[6] = static_cast<char>(image.size());
  image[7] = static_cast<char>(image.size() >> 8);
  image.append(reinterpret_cast<const char*>(kSvdfModel), sizeof kSvdfModel);
  image.resize((image.size() + 15) / 16 * 16);
  return image;
}

std::string Frame(FrameType type, uint8_t sequence, const std::string& payload) {
  std::string plain = {static_cast<char>(type), static_cast<char>(sequence)};
  plain += payload;
  uint16_t crc = kCrc16Start;
  for (const char byte : plain) {
    crc = Crc16Update(crc, static_cast<uint8_t>(byte));
  }
  Put(&plain, crc, 2);
  std::string coded;
  std::string group;
  for (std::size_t i = 0; i <= plain.size(); ++i) {
    const bool is_end = i == plain.size() || plain[i] == 0;
    if (!is_end) {
      group.push_back(plain[i]);
    }
    if (is_end || group.size() == 254) {
      coded.push_back(static_cast<char>(group.size() + 1));
      coded += group;
      group.clear();
    }
  }
  return coded + '\0';
}

// A line without its end: "$", four digits, words, "*", and the checksum of what lies between.
bool IsWhole(const std::string& line) {
  if (line.size() < 11 || line[0] != '$' || line[line.size() - 5] != '*') {
    return false;
  }
  uint16_t crc = kCrc16Start;
  for (std::size_t i = 1; i < line.size() - 5; ++i) {
    if (line[i] < ' ' || line[i] > '~' || line[i] == '$' || line[i] == '*') {
      return false;
    }
    crc = Crc16Update(crc, static_cast<uint8_t>(line[i]));
  }
  char expected[5];
  std::snprintf(expected, sizeof expected, "%04X", crc);
  return line.compare(line.size() - 4, 4, expected) == 0;
}

class World {
 public:
  explicit World(Choices& choices) : choices_(choices) {
    const uint8_t shape = choices_.Byte();
    has_gate_ = (shape & 1) != 0;
    has_wake_word_ = (shape & 2) != 0;
    may_run_.insert(model_.bundle.sha256);
    Boot();
  }

  void Happen() {
    switch (choices_.Byte() % 14) {
      case 0:
        SendAny(static_cast<FrameType>(choices_.Byte() % 18));
        break;
      case 1:
        port_.received += Text(choices_.Byte());
        break;
      case 2:
        Hear();
        break;
      case 3:
        Stream();
        break;
      case 4:
        port_.now_ms += choices_.Number();
        break;
      case 5:
        port_.now_ms = 0u - choices_.Byte();
        break;
      case 6:
        Load(0);
        break;
      case 7:
        Load(1 + choices_.Byte() % 8);
        break;
      case 8:  // the power goes in the midst of a load
        flash_.energy = choices_.Number() % (kFlashBytes / 2);
        Load(choices_.Byte() % 2);
        break;
      case 9:
        Boot();
        break;
      case 10:
        Rot();
        break;
      case 11:
        SendChosen(FrameType::kGate);
        break;
      case 12:
        SendChosen(FrameType::kAwake);
        break;
      default:
        Disturb();
    }
    Settle();
  }

  // What must hold at the end, whatever has happened.
  void Finish() {
    port_.room = SIZE_MAX;
    port_.read_limit = SIZE_MAX;
    Settle();
    port_.received += '\0';
    port_.received += Frame(FrameType::kHello, 7, "");
    SendNumber(FrameType::kGate, kGateOctave, 8);
    SendNumber(FrameType::kAwake, kMostAwakeMs, 9);
    SendNumber(FrameType::kAwake, 0, 10);
    while (port_.HasInput()) {
      application_->Poll();
    }
    Require(Said(" request=7*"), "a host gets no answer");
    const bool has_gate = has_gate_ && (has_wake_word_ || loader_->slot() < 0);
    Require(Said(has_gate ? " ok request=8*" : " refused request=8 "), "the gate answers wrongly");
    Require(Said(has_wake_word_ ? " ok request=9*" : " refused request=9 "),
            "the wake word answers wrongly");
    Require(Said(" refused request=10 "), "a model may be awake for no time");
    Settle();
    Boot();
  }

 private:
  std::string Text(std::size_t count) {
    const std::vector<uint8_t> bytes = choices_.Bytes(count);
    return {bytes.begin(), bytes.end()};
  }

  void SendAny(FrameType type) {
    const std::string payload = Text(choices_.Byte()).substr(0, kMaxPayloadBytes);
    port_.received += Frame(type, choices_.Byte(), payload);
  }

  void SendNumber(FrameType type, uint32_t number, uint8_t sequence) {
    std::string payload;
    Put(&payload, number, 4);
    port_.received += Frame(type, sequence, payload);
  }

  // Numbers of all sizes.
  void SendChosen(FrameType type) {
    const uint32_t number = choices_.Number();
    const int shift = choices_.Byte() % 32;
    SendNumber(type, number >> shift, choices_.Byte());
  }

  bool Said(const char* words) const { return port_.sent.find(words) != std::string::npos; }

  std::vector<int16_t> Noise() {
    std::size_t count = std::size_t{choices_.Byte()} * 8;
    count = count < kMaxSamples - heard_ ? count : kMaxSamples - heard_;
    heard_ += count;
    const int shift = choices_.Byte() % 17;
    uint32_t state = choices_.Byte();
    std::vector<int16_t> samples(count);
    for (int16_t& sample : samples) {
      state = state * 1664525 + 1013904223;
      sample = static_cast<int16_t>(static_cast<int16_t>(state >> 16) >> shift);
    }
    return samples;
  }

  void Hear() {
    const std::vector<int16_t> samples = Noise();
    application_->Hear({samples.data(), samples.size()});
  }

  // Whole frames of audio, in order, then perhaps the end.
  void Stream() {
    port_.received += Frame(FrameType::kReset, 0, std::string(1, '\1'));
    uint8_t sequence = 0;
    std::string bytes;
    for (const int16_t sample : Noise()) {
      Put(&bytes, static_cast<uint16_t>(sample), 2);
      if (bytes.size() == kMaxPayloadBytes) {
        port_.received += Frame(FrameType::kAudio, sequence++, bytes);
        bytes.clear();
      }
    }
    if (choices_.Byte() % 2 == 0) {
      port_.received += Frame(FrameType::kEnd, sequence, "");
    }
  }

  // A whole model, damaged in `damages` places before it is sent; now and then on its way.
  void Load(int damages) {
    const bool is_old = models_ > 1 && choices_.Byte() % 4 == 0;
    std::string image = GoodImage(is_old ? 1 : ++models_);
    for (int i = 0; i < damages; ++i) {
      const std::size_t at = choices_.Number() % image.size();
      image[at] = static_cast<char>(choices_.Byte());
    }
    const uint32_t crc =
        Crc32Update(0, {reinterpret_cast<const uint8_t*>(image.data()), image.size()});
    if (damages == 0 && choices_.Byte() % 8 == 0) {
      image[choices_.Number() % image.size()] ^= 1;
    }
    const std::string before = Running();
    std::string numbers;
    Put(&numbers, static_cast<uint32_t>(image.size()), 4);
    Put(&numbers, crc, 4);
    port_.received += '\0';
    port_.received += Frame(FrameType::kModelBegin, 1, numbers);
    for (std::size_t at = 0; at < image.size(); at += 240) {
      std::string piece;
      Put(&piece, static_cast<uint32_t>(at), 4);
      port_.received += Frame(FrameType::kModelData, 1, piece + image.substr(at, 240));
    }
    port_.received += Frame(FrameType::kModelCommit, 1, numbers.substr(4));
    Settle();
    const std::string hash = image.c_str() + kHashPosition;
    Require(Running() == before || (loader_->slot() >= 0 && Running() == hash) || rotten_,
            "a refused model cost the running one");
    // Versions are remembered in the very flash that rots.
    Require(!is_old || damages > 0 || Running() == before || taken_ < 2 || rotten_,
            "an older model was taken");
    if (damages == 0 && Running() != before) {
      taken_ = is_old ? 1 : models_;
    }
    if (flash_.energy == 0) {
      may_run_ = {before, hash};
      Boot();
    }
    flash_.energy = SIZE_MAX;
  }

  // While the power is off: the engine reads a running model in place and trusts it.
  void Rot() {
    const uint32_t place = choices_.Number();
    flash_.Flip(place, choices_.Byte() % 8);
    rotten_ = true;
    Boot();
  }

  void Disturb() {
    const uint8_t what = choices_.Byte();
    port_.button = (what & 1) != 0;
    port_.room = (what & 2) != 0 ? choices_.Byte() * 4u : SIZE_MAX;
    port_.read_limit = (what & 4) != 0 ? 1u + choices_.Byte() % 8 : SIZE_MAX;
    port_.lost.bytes += what >> 4;
  }

  // The power comes on: everything but flash and clock starts afresh.
  void Boot() {
    flash_.energy = SIZE_MAX;
    port_.sent.clear();
    port_.room = SIZE_MAX;
    application_.reset();
    listener_.reset();
    loader_.reset();
    const PipelineMemory memory = model_.PowerOn(has_gate_);
    loader_.emplace(flash_, model_.bundle, *model_.pipeline, memory, &guard_);
    Require(loader_->Start() == nullptr, "no model runs after a start");
    Require(rotten_ || may_run_.count(Running()) != 0, "another model runs after a start");
    may_run_ = {Running()};
    application_.emplace(port_, *model_.pipeline, "fuzz", &*loader_);
    if (has_wake_word_) {
      const PipelineMemory more = wake_word_.PowerOn(has_gate_);
      Require(wake_word_.pipeline->Init(wake_word_.bundle, more) == nullptr, "no wake word");
      listener_.emplace(application_->lines(), *wake_word_.pipeline, *model_.pipeline, kAwake);
      application_->Use(*listener_);
    }
    application_->Start(nullptr);
    may_sleep_ = false;
    follows_ = true;
    knows_next_ = true;
    next_line_ = 0;
    Settle();
  }

  // Lets the board work off what has come, then looks at what it said.
  void Settle() {
    const bool all = port_.room == SIZE_MAX;
    while (port_.HasInput()) {
      application_->Poll();
    }
    for (int i = 0; i < 3; ++i) {
      port_.now_ms += 50;
      application_->Poll();
    }
    port_.Forget();
    may_run_ = {Running()};
    model_.Check();
    if (has_wake_word_) {
      wake_word_.Check();
    }
    CheckLines(all);
  }

  // A port that takes nothing cuts lines: afterwards they are followed again.
  void CheckLines(bool all) {
    std::size_t at = 0;
    for (std::size_t end; (end = port_.sent.find("\r\n", at)) != std::string::npos; at = end + 2) {
      const std::string line = port_.sent.substr(at, end - at);
      if (follows_ && all) {
        Require(IsWhole(line), "a damaged line");
        const auto number = static_cast<uint16_t>(std::stoul(line.substr(1, 4), nullptr, 16));
        Require(number == next_line_ || !knows_next_, "a line is missing");
        next_line_ = static_cast<uint16_t>(number + 1);
        knows_next_ = true;
        CheckSleep(line);
      } else {
        may_sleep_ = true;
      }
    }
    Require(at == port_.sent.size() || !follows_ || !all, "a line without an end");
    knows_next_ = knows_next_ && all;
    follows_ = all;
    port_.sent.clear();
  }

  void CheckSleep(const std::string& line) {
    if (line.compare(5, 7, " woken ") == 0) {
      Require(has_wake_word_, "a model is woken by nothing");
      may_sleep_ = true;
    } else if (line.compare(5, 8, " asleep ") == 0) {
      Require(may_sleep_, "a model falls asleep that no word has woken");
      may_sleep_ = false;
    }
  }

  std::string Running() const { return model_.pipeline->bundle().sha256; }

  Choices& choices_;
  bool has_gate_ = false;
  bool has_wake_word_ = false;
  Stage model_{BuiltIn()};
  Stage wake_word_{WakeWord()};
  FuzzFlash flash_;
  NumberGuard guard_;
  FuzzPort port_;
  std::optional<ModelLoader> loader_;
  std::optional<Application> application_;
  std::optional<WakeListener> listener_;
  std::set<std::string> may_run_;  // SHA-256 of the models that may run after the next start
  bool rotten_ = false;
  uint32_t models_ = 0;     // that were made
  uint32_t taken_ = 0;      // the newest one that was taken whole
  bool may_sleep_ = false;  // a wake word was heard, or its line was lost
  bool follows_ = true;     // lines are whole from here on
  bool knows_next_ = false;
  uint16_t next_line_ = 0;
  std::size_t heard_ = 0;
};

}  // namespace
}  // namespace stapes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using namespace stapes;
  Choices choices({data, size});
  World world(choices);
  for (int i = 0; i < kMaxEvents && !choices.empty(); ++i) {
    world.Happen();
  }
  world.Finish();
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "app/application.h"

#include "base/little_endian.h"
#include "link/packed_audio.h"

namespace stapes {
namespace {

constexpr uint32_t kReportIntervalMs = 100;
constexpr std::size_t kReadBytes = 64;
constexpr uint32_t kKeep32 = UINT32_MAX;  // in a decoder frame: leave it as it is
constexpr uint16_t kKeep16 = UINT16_MAX;
constexpr std::size_t kMaxFrameSamples = kMaxPayloadBytes / sizeof(int16_t);

}  // namespace

void PortSink::Put(char character) {
  if (size_ == sizeof buffer_) {
    Flush();
  }
  buffer_[size_++] = static_cast<uint8_t>(character);
}

void PortSink::EndLine() {
  Flush();
  lost_lines_ += line_lost_;
  line_lost_ = false;
}

void PortSink::Flush() {
  Span<const uint8_t> rest = {buffer_, size_};
  size_ = 0;
  if (line_lost_) {
    return;
  }
  uint32_t last_progress_ms = port_.Millis();
  while (!rest.empty()) {
    if (WriteSome(&rest)) {
      last_progress_ms = port_.Millis();
    } else if (stuck_ || port_.Millis() - last_progress_ms > kPatienceMs) {
      stuck_ = true;
      line_lost_ = true;
      return;
    } else {
      port_.Pause();
    }
  }
}

bool PortSink::WriteSome(Span<const uint8_t>* rest) {
  const std::size_t written = port_.Write(*rest);
  *rest = rest->Skip(written);
  if (written > 0) {
    stuck_ = false;
  }
  return written > 0;
}

Application::Application(Port& port, Pipeline& pipeline, const char* board, ModelReceiver* models)
    : port_(port),
      pipeline_(pipeline),
      board_(board),
      sink_(port),
      lines_(sink_),
      alone_(lines_, pipeline),
      tap_(lines_),
      models_(models) {}

void Application::Start(const Fault* last) {
  if (last != nullptr) {
    WriteFault(lines_, *last);
  }
  SayHello(kUnasked);
}

void Application::SayHello(int32_t request) {
  WriteHello(lines_, pipeline_.bundle(), {board_, port_.UniqueId(), models_}, request, listener_);
}

// For somebody with a board and a plain terminal.
void Application::WatchButton() {
  const bool down = port_.ButtonDown();
  if (down && !button_was_down_) {
    WriteStats(kUnasked);
  }
  button_was_down_ = down;
}

bool Application::Poll() {
  uint8_t bytes[kReadBytes];
  const std::size_t count = port_.Read(bytes);
  for (std::size_t i = 0; i < count; ++i) {
    if (reader_.Push(bytes[i])) {
      HandleFrame();
    }
  }
  if (count == 0) {
    WatchButton();
    ReportErrors();
  }
  return count > 0;
}

void Application::Log(const char* text, const char* reason) {
  lines_.Begin("log");
  lines_.Field("text", text);
  if (reason != nullptr) {
    lines_.Field("reason", reason);
  }
  lines_.End();
}

void Application::Hear(Span<const int16_t> samples) {
  if (!streaming_ && !samples.empty()) {
    Process(samples);
  }
}

void Application::HandleFrame() {
  switch (reader_.type()) {
    case FrameType::kHello:
      HandleHello();
      break;
    case FrameType::kReset:
      HandleReset();
      break;
    case FrameType::kScores:
      HandleScores();
      break;
    case FrameType::kStats:
      WriteStats(reader_.sequence());
      break;
    case FrameType::kAudio:
    case FrameType::kPackedAudio:
    case FrameType::kEnd:
      HandleStream();
      break;
    case FrameType::kThreshold:
      HandleThreshold();
      break;
    case FrameType::kDecoder:
      HandleDecoder();
      break;
    case FrameType::kResetDecoder:
      listener_->ResetDecoders();
      WriteOk();
      break;
    case FrameType::kListen:
      HandleListen();
      break;
    case FrameType::kGate:
      HandleGate();
      break;
    case FrameType::kAwake:
      HandleAwake();
      break;
    case FrameType::kModelBegin:
    case FrameType::kModelData:
    case FrameType::kModelCommit:
    case FrameType::kModelBuiltIn:
      HandleModelFrame();
      break;
    default:
      ++refused_.command;
  }
}

void Application::HandleHello() {
  SayHello(reader_.sequence());
  if (models_ != nullptr && models_->damaged()) {
    Log("the running model has been damaged in its memory",
        "restart the board, or load the model again");
  }
}

void Application::HandleReset() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() > 1 || (payload.size() == 1 && payload[0] > 1)) {
    ++refused_.command;
    return;
  }
  ForgetAudio();
  streaming_ = payload.size() == 1 && payload[0] == 1;
  WriteOk();
}

void Application::ForgetAudio() {
  listener_->Reset();
  next_ = 0;
  after_end_ = false;
  streaming_ = false;
  busy_ticks_ = 0;
  peak_ticks_ = 0;
}

void Application::HandleScores() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() != 1 || payload[0] > 1) {
    ++refused_.command;
    return;
  }
  listener_->SendScores(payload[0] == 1);
  WriteOk();
}

void Application::HandleThreshold() {
  const Span<const uint8_t> payload = reader_.payload();
  const bool of_wake_word = payload.size() == 7 && payload[6] == 1;
  if (payload.size() != 6 && !of_wake_word) {
    ++refused_.command;
    return;
  }
  Pipeline* const pipeline = of_wake_word ? listener_->wake_word() : &pipeline_;
  if (pipeline == nullptr) {
    Answer({kNoWakeWord, "", -1});
    return;
  }
  AnswerIf(pipeline->SetThreshold(LoadU16(payload.data()), LoadU32(payload.data() + 2)),
           "no such label, or a threshold above 1");
}

void Application::HandleDecoder() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() != 10) {
    ++refused_.command;
    return;
  }
  DecoderConfig config = pipeline_.decoder_config();
  const uint32_t window_ms = LoadU32(payload.data());
  const uint32_t suppression_ms = LoadU32(payload.data() + 4);
  const uint16_t minimum_count = LoadU16(payload.data() + 8);
  config.average_window_ms = window_ms == kKeep32 ? config.average_window_ms : window_ms;
  config.suppression_ms = suppression_ms == kKeep32 ? config.suppression_ms : suppression_ms;
  config.minimum_count = minimum_count == kKeep16 ? config.minimum_count : minimum_count;
  AnswerIf(pipeline_.Reconfigure(config), "out of range, or a longer window than the model's own");
}

void Application::HandleListen() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() != 4) {
    ++refused_.command;
    return;
  }
  tap_.Allow(LoadU32(payload.data()), port_.Millis());
  WriteOk();
}

// Of both models, where each has one.
void Application::HandleGate() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() != 4) {
    ++refused_.command;
    return;
  }
  Pipeline* const wake_word = listener_->wake_word();
  const uint32_t threshold_q16 = LoadU32(payload.data());
  const bool first = wake_word != nullptr && wake_word->SetGate(threshold_q16);
  AnswerIf(pipeline_.SetGate(threshold_q16) || first,
           "this firmware has no silence gate, or the threshold is out of range");
}

void Application::HandleAwake() {
  const Span<const uint8_t> payload = reader_.payload();
  if (payload.size() != 4) {
    ++refused_.command;
    return;
  }
  Answer({listener_->SetAwakeMs(LoadU32(payload.data())), "", -1});
}

void Application::HandleStream() {
  const bool is_end = reader_.type() == FrameType::kEnd;
  if (reader_.sequence() != next_) {
    // The host may have missed our answer: repeat the answer, not the work.
    const bool end_again =
        is_end && after_end_ && reader_.sequence() == static_cast<uint8_t>(next_ - 1);
    refused_.out_of_order += !end_again;
    if (end_again) {
      listener_->WriteDone();
    }
    WriteAck();
    return;
  }
  if (is_end) {
    listener_->WriteDone();
  } else if (reader_.type() == FrameType::kAudio ? !AcceptAudio(reader_.payload())
                                                 : !AcceptPackedAudio(reader_.payload())) {
    ++refused_.command;
    return;
  }
  after_end_ = is_end;
  ++next_;
  WriteAck();
}

bool Application::AcceptAudio(Span<const uint8_t> payload) {
  if (payload.empty() || payload.size() % sizeof(int16_t) != 0) {
    return false;
  }
  int16_t samples[kMaxFrameSamples];
  const std::size_t count = payload.size() / sizeof(int16_t);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<int16_t>(payload[2 * i] | (payload[2 * i + 1] << 8));
  }
  streaming_ = true;
  Process({samples, count});
  return true;
}

bool Application::AcceptPackedAudio(Span<const uint8_t> payload) {
  if (payload.size() < PackedAudio::kHeaderBytes) {
    return false;
  }
  streaming_ = true;
  PackedAudio packed(payload);
  int16_t samples[kMaxFrameSamples];
  while (const std::size_t count = packed.Read(samples)) {
    Process({samples, count});
  }
  return true;
}

void Application::Process(Span<const int16_t> samples) {
  tap_.Hear(listener_->samples(), samples, port_.Millis());
  const uint32_t start = port_.Ticks();
  listener_->Push(samples);
  const uint32_t ticks = port_.Ticks() - start;
  busy_ticks_ += ticks;
  peak_ticks_ = ticks > peak_ticks_ ? ticks : peak_ticks_;
}

uint32_t Application::ErrorCount() const {
  const Losses lost = port_.Lost();
  return reader_.errors().Total() + refused_.command + refused_.out_of_order + lost.bytes +
         lost.samples;
}

// Said when the input pauses and not too often, so that a flood of garbage makes no flood of lines.
void Application::ReportErrors() {
  const uint32_t errors = ErrorCount();
  const uint32_t now_ms = port_.Millis();
  if (errors == reported_errors_ || now_ms - reported_at_ms_ < kReportIntervalMs) {
    return;
  }
  reported_errors_ = errors;
  reported_at_ms_ = now_ms;
  lines_.Begin("error");
  WriteErrorFields();
  lines_.End();
}

void Application::AnswerIf(bool done, const char* reason) {
  Answer({done ? nullptr : reason, "", -1});
}

void Application::WriteOk() {
  lines_.Begin("ok");
  lines_.Field("request", reader_.sequence());
  lines_.End();
}

void Application::WriteAck() {
  lines_.Begin("ack");
  lines_.Field("next", next_);
  lines_.End();
}

void Application::WriteStats(int32_t request) {
  const StackUse stack = port_.Stack();
  lines_.Begin("stats");
  if (request != kUnasked) {
    lines_.Field("request", static_cast<uint32_t>(request));
  }
  lines_.Field("uptime_ms", port_.Millis());
  listener_->WriteCounts();
  const Pipeline* const wake_word = listener_->wake_word();
  lines_.Field("skipped", pipeline_.skipped() + (wake_word ? wake_word->skipped() : 0));
  lines_.Field("inferences", pipeline_.inferences() + (wake_word ? wake_word->inferences() : 0));
  WriteErrorFields();
  lines_.Field("stack_used", stack.used_bytes);
  lines_.Field("stack_size", stack.size_bytes);
  lines_.Field("arena_used", static_cast<uint32_t>(pipeline_.engine().arena_used()));
  lines_.Field("arena_size", static_cast<uint32_t>(pipeline_.bundle().arena_bytes));
  lines_.FieldLong("busy_ticks", busy_ticks_);
  lines_.Field("peak_ticks", peak_ticks_);
  lines_.Field("ticks_per_second", port_.TicksPerSecond());
  lines_.End();
}

void Application::WriteErrorFields() {
  const Losses lost = port_.Lost();
  lines_.Field("bad_framing", reader_.errors().framing);
  lines_.Field("bad_length", reader_.errors().length);
  lines_.Field("bad_checksum", reader_.errors().checksum);
  lines_.Field("bad_command", refused_.command);
  lines_.Field("out_of_order", refused_.out_of_order);
  lines_.Field("overruns", lost.bytes);
  lines_.Field("lost_samples", lost.samples);
  lines_.Field("dropped_scores", pipeline_.dropped_scores());
  lines_.Field("lost_lines", sink_.lost_lines());
}

}  // namespace stapes

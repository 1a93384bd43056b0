// SPDX-License-Identifier: Apache-2.0
// The application's answers to frames that carry a new model.
#include "app/application.h"
#include "base/little_endian.h"

namespace stapes {
namespace {

constexpr char kNoModels[] = "this firmware takes no models";

}  // namespace

void Application::HandleModelFrame() {
  const Span<const uint8_t> payload = reader_.payload();
  if (models_ == nullptr) {
    Answer({kNoModels, "", -1});
  } else if (reader_.type() == FrameType::kModelBegin && payload.size() == 8) {
    Answer(models_->Begin(LoadU32(payload.data()), LoadU32(payload.data() + 4)));
  } else if (reader_.type() == FrameType::kModelData && payload.size() >= 4 + kFlashWriteBytes &&
             (payload.size() - 4) % kFlashWriteBytes == 0) {
    HandleModelData();
  } else if (reader_.type() == FrameType::kModelCommit && payload.size() == 4) {
    AnswerWithHello(models_->Commit(LoadU32(payload.data())));
  } else if (reader_.type() == FrameType::kModelBuiltIn && payload.empty()) {
    AnswerWithHello(models_->UseBuiltIn());
  } else {
    ++refused_.command;
  }
}

void Application::HandleModelData() {
  const Span<const uint8_t> payload = reader_.payload();
  const ModelReceiver::Verdict verdict = models_->Take(LoadU32(payload.data()), payload.Skip(4));
  if (verdict.reason != nullptr) {
    Answer(verdict);
    return;
  }
  lines_.Begin("model");
  lines_.Field("next", models_->next_offset());
  lines_.End();
}

// After a commit the new model starts at its first sample. After a refusal the old model does; or,
// if that one does not run any more, another one, and then the board says hello unasked.
void Application::AnswerWithHello(const ModelReceiver::Verdict& verdict) {
  ForgetAudio();
  if (verdict.reason != nullptr) {
    Answer(verdict);
    if (verdict.fallen != nullptr) {
      Log("the loaded model does not run", verdict.fallen);
      SayHello(kUnasked);
    }
  } else {
    SayHello(reader_.sequence());
  }
}

void Application::Answer(const ModelReceiver::Verdict& verdict) {
  if (verdict.reason == nullptr) {
    WriteOk();
    return;
  }
  lines_.Begin("refused");
  lines_.Field("request", reader_.sequence());
  lines_.Field("reason", verdict.reason);
  if (verdict.operator_index >= 0) {
    lines_.Field("operator", verdict.operator_name);
    lines_.Field("operator_index", static_cast<uint32_t>(verdict.operator_index));
  }
  if (verdict.fallen != nullptr) {
    lines_.Field("fallen", verdict.fallen);
  }
  lines_.End();
}

}  // namespace stapes

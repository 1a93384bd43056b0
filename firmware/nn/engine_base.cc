// SPDX-License-Identifier: Apache-2.0
#include "nn/engine_base.h"

namespace stapes {

Status EngineBase::Open(Span<const uint8_t> model, Span<const Operator* const> operators,
                        Span<uint8_t> arena) {
  ready_ = false;
  arena_used_ = 0;
  error_ = ErrorDetails();
  operators_ = operators;
  persistent_ = PersistentMemory(arena);
  const Status status = model_.Open(model);
  return status == Status::kOk ? status : Fail(status, "no TFL3 identifier of schema version 3");
}

Status EngineBase::Succeed() {
  error_.status = Status::kOk;
  error_.reason = "";
  ready_ = true;
  return Status::kOk;
}

// A damaged file explains every other failure.
Status EngineBase::Fail(Status status, const char* reason) {
  const bool damaged = model_.buffer().damaged();
  error_.status = damaged ? Status::kDamaged : status;
  error_.reason = damaged ? "the file is damaged or cut short" : reason;
  return error_.status;
}

std::size_t EngineBase::FindOperator(const OperatorCall& call, uint32_t index) {
  error_.operator_index = static_cast<int32_t>(index);
  error_.builtin_code = call.builtin_code;
  error_.operator_name = "";
  std::size_t found = 0;
  while (found < operators_.size() && operators_[found]->builtin_code != call.builtin_code) {
    ++found;
  }
  if (found < operators_.size()) {
    error_.operator_name = operators_[found]->name;
  }
  return found;
}

void EngineBase::LeaveOperators() {
  error_.operator_index = ErrorDetails::kWholeModel;
  error_.builtin_code = ErrorDetails::kWholeModel;
  error_.operator_name = "";
}

TensorView EngineBase::Describe(const Tensor& tensor) {
  TensorView view;
  view.size = tensor.byte_count / ElementBytes(tensor.type);
  view.type = tensor.type;
  view.shape = tensor.shape;
  view.scale_bits = tensor.quantization.ScaleBits();
  view.zero_point = tensor.quantization.ZeroPoint();
  return view;
}

}  // namespace stapes

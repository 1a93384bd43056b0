// SPDX-License-Identifier: Apache-2.0
#include "nn/model.h"

namespace stapes {
namespace {

constexpr uint32_t kIdentifierPosition = 4;
constexpr uint32_t kIdentifier = 0x334c4654;  // "TFL3"
constexpr uint32_t kSchemaVersion = 3;
constexpr int64_t kMaxTensorBytes = int64_t{1} << 30;

// Field numbers of the schema's tables.
enum ModelField {
  kVersion,
  kOperatorCodes,
  kSubgraphs,
  kDescription,
  kBuffers,
  kMetadataBuffers,
  kMetadata
};
enum OperatorCodeField { kDeprecatedCode, kCustomCode, kCodeVersion, kBuiltinCode };
enum TensorField { kShape, kType, kBuffer, kName, kQuantization, kIsVariable, kSparsity };
enum QuantizationField { kMin, kMax, kScale, kZeroPoint, kDetailsType, kDetails, kDimension };
enum OperatorField { kOpcodeIndex, kInputs, kOutputs, kOptionsType, kOptions };
enum BufferField { kData, kOffset };
enum MetadataField { kMetadataName, kMetadataBuffer };

const char* ReadShape(const FlatVector& dims, uint32_t element_bytes, Tensor* tensor) {
  if (dims.size() > Shape::kMaxRank) {
    return Why("more than 6 dimensions");
  }
  int64_t bytes = element_bytes;
  tensor->shape.rank = static_cast<int32_t>(dims.size());
  for (uint32_t i = 0; i < dims.size(); ++i) {
    const int32_t size = dims.Get<int32_t>(i);
    if (size <= 0) {
      return Why("a dimension below 1");
    }
    bytes *= size;
    if (bytes > kMaxTensorBytes) {
      return Why("a tensor of more than 1 GiB");
    }
    tensor->shape.dims[i] = size;
  }
  tensor->byte_count = static_cast<uint32_t>(bytes);
  return nullptr;
}

bool ZeroPointFits(TensorType type, int32_t zero_point) {
  const int32_t lowest = type == TensorType::kInt8 ? INT8_MIN : INT16_MIN;
  if (type == TensorType::kInt8 || type == TensorType::kInt16) {
    return zero_point >= lowest && zero_point < -lowest;
  }
  return zero_point == 0 || (type == TensorType::kUInt8 && zero_point > 0 && zero_point <= 255);
}

const char* ReadQuantization(const FlatTable& table, Tensor* tensor) {
  Quantization& quantization = tensor->quantization;
  quantization.scales = table.Vector(kScale, 4);
  quantization.zero_points = table.Vector(kZeroPoint, 8);
  quantization.dimension = table.Get<int32_t>(kDimension, 0);
  if (quantization.dimension < 0 || quantization.dimension >= Shape::kMaxRank) {
    return Why("no such quantized dimension");
  }
  for (uint32_t i = 0; i < quantization.zero_points.size(); ++i) {
    const int32_t zero_point = quantization.ZeroPoint(i);
    const uint32_t upper_half = zero_point < 0 ? UINT32_MAX : 0;
    if (quantization.zero_points.Half(i, 1) != upper_half ||
        !ZeroPointFits(tensor->type, zero_point)) {
      return Why("a zero point outside its type");
    }
  }
  return nullptr;
}

// Converters align 64-bit values to 32 bits only; they are read in two halves.
bool IsAligned(const uint8_t* data, uint32_t element_bytes) {
  return (reinterpret_cast<uintptr_t>(data) & (element_bytes - 1) & 3) == 0;
}

}  // namespace

uint32_t ElementBytes(TensorType type) {
  switch (type) {
    case TensorType::kInt8:
    case TensorType::kUInt8:
    case TensorType::kBool:
      return 1;
    case TensorType::kInt16:
      return 2;
    case TensorType::kInt32:
    case TensorType::kFloat32:
    case TensorType::kResource:
      return 4;
    case TensorType::kInt64:
      return 8;
  }
  return 0;
}

int32_t Shape::ElementCount() const {
  int32_t count = 1;
  for (int i = 0; i < rank; ++i) {
    count *= dims[i];
  }
  return count;
}

bool Shape::operator==(const Shape& other) const {
  if (rank != other.rank) {
    return false;
  }
  for (int i = 0; i < rank; ++i) {
    if (dims[i] != other.dims[i]) {
      return false;
    }
  }
  return true;
}

uint32_t Quantization::ScaleBits() const { return ScaleBits(0); }

int32_t Quantization::ZeroPoint() const { return ZeroPoint(0); }

bool Quantization::IsSymmetric() const {
  for (uint32_t i = 0; i < zero_points.size(); ++i) {
    if (ZeroPoint(i) != 0) {
      return false;
    }
  }
  return true;
}

Status Model::Open(Span<const uint8_t> bytes) {
  buffer_ = FlatBuffer(bytes);
  root_ = FlatTable();
  if (bytes.size() < 8 || buffer_.Load<uint32_t>(kIdentifierPosition) != kIdentifier) {
    return Status::kNotAModel;
  }
  root_ = FlatTable(&buffer_, buffer_.Follow(0));
  const uint32_t version = root_.Get<uint32_t>(kVersion, 0);
  if (buffer_.damaged()) {
    return Status::kDamaged;
  }
  return version == kSchemaVersion ? Status::kOk : Status::kNotAModel;
}

uint32_t Model::subgraph_count() const { return root_.TableCount(kSubgraphs); }

FlatTable Model::Subgraph(uint32_t index) const { return root_.TableAt(kSubgraphs, index); }

const char* Model::ReadTensor(const FlatTable& subgraph, uint32_t index, Tensor* tensor) const {
  const FlatTable table = subgraph.TableAt(0, index);
  *tensor = Tensor();
  tensor->exists = true;
  tensor->type = static_cast<TensorType>(table.Get<int8_t>(kType, 0));
  tensor->variable = table.Get<uint8_t>(kIsVariable, 0) != 0;
  const uint32_t element_bytes = ElementBytes(tensor->type);
  if (element_bytes == 0) {
    return Why("an unknown type");
  }
  if (table.Has(kSparsity)) {
    return Why("a sparse tensor");
  }
  const char* reason = ReadShape(table.Vector(kShape, 4), element_bytes, tensor);
  if (reason == nullptr) {
    reason = ReadQuantization(table.Table(kQuantization), tensor);
  }
  if (reason != nullptr) {
    return reason;
  }

  const uint32_t buffer_index = table.Get<uint32_t>(kBuffer, 0);
  if (buffer_index >= root_.TableCount(kBuffers)) {
    return Why("no such buffer");
  }
  const FlatTable buffer = root_.TableAt(kBuffers, buffer_index);
  // Offsets below 2 mean "none"; real ones point behind the flatbuffer. Lower half of 64 bits.
  if (buffer.Get<uint32_t>(kOffset, 0) > 1) {
    return Why("constant data outside the flatbuffer");
  }
  tensor->constant = buffer.Vector(kData, 1).bytes();
  if (!tensor->is_constant()) {
    return nullptr;
  }
  if (tensor->variable) {
    return Why("a variable with constant data");
  }
  if (tensor->constant.size() != tensor->byte_count) {
    return Why("constant data of a wrong size");
  }
  if (!IsAligned(tensor->constant.data(), element_bytes)) {
    return Why("constant data is not aligned");
  }
  return nullptr;
}

OperatorCall Model::ReadOperator(const FlatTable& subgraph, uint32_t index) const {
  const FlatTable table = subgraph.TableAt(3, index);
  const FlatTable code = root_.TableAt(kOperatorCodes, table.Get<uint32_t>(kOpcodeIndex, 0));
  OperatorCall call;
  if (!table.exists() || !code.exists()) {
    return call;
  }
  // Codes below 127 are stored in the older one-byte field as well; files have either or both.
  const int32_t deprecated = code.Get<int8_t>(kDeprecatedCode, 0);
  const int32_t current = code.Get<int32_t>(kBuiltinCode, 0);
  call.builtin_code = deprecated > current ? deprecated : current;
  call.inputs = table.Vector(kInputs, 4);
  call.outputs = table.Vector(kOutputs, 4);
  call.options = table.Table(kOptions);
  return call;
}

bool Model::HasWholeBuffers() const {
  const uint32_t count = root_.TableCount(kBuffers);
  for (uint32_t i = 0; i < count; ++i) {
    root_.TableAt(kBuffers, i).Vector(kData, 1);
  }
  return !buffer_.damaged();
}

Span<const uint8_t> Model::FindMetadata(const char* name) const {
  for (uint32_t i = 0; i < root_.TableCount(kMetadata); ++i) {
    const FlatTable entry = root_.TableAt(kMetadata, i);
    if (!entry.Vector(kMetadataName, 1).Equals(name)) {
      continue;
    }
    const FlatTable buffer = root_.TableAt(kBuffers, entry.Get<uint32_t>(kMetadataBuffer, 0));
    return buffer.Vector(kData, 1).bytes();
  }
  return {};
}

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
// The parts of a .tflite file that the engine needs, read in place.
// Source: the schema of TensorFlow Lite, version 3 (schema.fbs); field numbers follow its order.
#pragma once

#include <cstdint>

#include "base/span.h"
#include "nn/flatbuffer.h"
#include "nn/status.h"

namespace stapes {

enum class TensorType : int8_t {
  kFloat32 = 0,
  kInt32 = 2,
  kUInt8 = 3,
  kInt64 = 4,
  kBool = 6,
  kInt16 = 7,
  kInt8 = 9,
  kResource = 13,
};

// Bytes of one element; 0 for a type that the engine does not know.
uint32_t ElementBytes(TensorType type);

// Sizes of a tensor's dimensions, outermost first. A scalar has rank 0 and one element.
struct Shape {
  static constexpr int kMaxRank = 6;

  int32_t rank = 0;
  int32_t dims[kMaxRank] = {};

  int32_t Dim(int index) const { return dims[index]; }
  int32_t Last() const { return rank == 0 ? 1 : dims[rank - 1]; }
  // Product of the dimensions; those of a tensor that was read fit 31 bits.
  int32_t ElementCount() const;
  bool operator==(const Shape& other) const;
  bool operator!=(const Shape& other) const { return !(*this == other); }
};

// Affine quantization: real = scale * (value - zero_point). Scales are bit patterns of float32.
struct Quantization {
  FlatVector scales;  // one, or one per slice of `dimension`; empty when not quantized
  FlatVector zero_points;
  int32_t dimension = 0;

  uint32_t ScaleBits(uint32_t index) const { return scales.Get<uint32_t>(index); }
  int32_t ZeroPoint(uint32_t index) const {  // those of a tensor that was read fit 32 bits
    return static_cast<int32_t>(zero_points.Half(index, 0));
  }
  // The first ones; out of line, because every operator reads them.
  uint32_t ScaleBits() const;
  int32_t ZeroPoint() const;
  bool IsSymmetric() const;  // every zero point is 0
};

struct Tensor {
  bool exists = false;
  bool variable = false;
  TensorType type = TensorType::kFloat32;
  uint32_t byte_count = 0;
  Shape shape;
  Quantization quantization;
  Span<const uint8_t> constant;  // empty for tensors computed at run time

  bool is_constant() const { return !constant.empty(); }
};

// One operator of a subgraph.
struct OperatorCall {
  int32_t builtin_code = -1;
  FlatVector inputs;   // int32 tensor indices, -1 for an absent one
  FlatVector outputs;  // int32
  FlatTable options;
};

class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;  // tables point into the buffer held here
  Model& operator=(const Model&) = delete;

  // Checks the identifier and the schema version. The bytes must outlive the model.
  Status Open(Span<const uint8_t> bytes);

  const FlatBuffer& buffer() const { return buffer_; }
  uint32_t subgraph_count() const;
  FlatTable Subgraph(uint32_t index) const;
  static uint32_t TensorCount(const FlatTable& subgraph) { return subgraph.TableCount(0); }
  static uint32_t OperatorCount(const FlatTable& subgraph) { return subgraph.TableCount(3); }
  static FlatVector Inputs(const FlatTable& subgraph) { return subgraph.Vector(1, 4); }
  static FlatVector Outputs(const FlatTable& subgraph) { return subgraph.Vector(2, 4); }

  // Reads tensor `index`. Returns a reason (a literal) if it cannot be used, else nullptr.
  const char* ReadTensor(const FlatTable& subgraph, uint32_t index, Tensor* tensor) const;
  OperatorCall ReadOperator(const FlatTable& subgraph, uint32_t index) const;
  // Whether every buffer lies inside the file: false for one that was cut short.
  bool HasWholeBuffers() const;
  // Content of the metadata entry `name`; an empty span when there is none.
  Span<const uint8_t> FindMetadata(const char* name) const;

 private:
  FlatTable root_;
  FlatBuffer buffer_;
};

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
#include "bind_nn.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "aligned_bytes.h"
#include "nn/all_operators.h"
#include "nn/builtin_names.h"
#include "nn/inference_engine.h"
#include "nn/operators/operators.h"
#include "nn/operators/support/svdf.h"
#include "nn/real.h"

namespace nb = nanobind;

namespace stapes {
namespace {

using Scales = nb::ndarray<const uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Frames = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kFirstArenaBytes = 16 << 10;
constexpr std::size_t kMaxArenaBytes = 256 << 20;

float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// "operator 3 CONV_2D: reason", "tensor 5: reason" or only the reason.
std::string Message(const ErrorDetails& error) {
  std::string where;
  if (error.operator_index >= 0) {
    const std::string name = BuiltinName(error.builtin_code);
    where = "operator " + std::to_string(error.operator_index) + " " + name + ": ";
  } else if (error.tensor_index >= 0) {
    where = "tensor " + std::to_string(error.tensor_index) + ": ";
  }
  std::string message = where + error.reason;
  if (error.status == Status::kArenaTooSmall) {
    message += " (needs " + std::to_string(error.arena_bytes) + " bytes or more)";
  }
  return message;
}

nb::dlpack::dtype NumpyType(TensorType type) {
  switch (type) {
    case TensorType::kUInt8:
      return nb::dtype<uint8_t>();
    case TensorType::kInt16:
      return nb::dtype<int16_t>();
    case TensorType::kInt32:
      return nb::dtype<int32_t>();
    case TensorType::kFloat32:
      return nb::dtype<float>();
    default:
      return nb::dtype<int8_t>();
  }
}

const char* TypeName(TensorType type) {
  switch (type) {
    case TensorType::kFloat32:
      return "float32";
    case TensorType::kInt32:
      return "int32";
    case TensorType::kUInt8:
      return "uint8";
    case TensorType::kInt64:
      return "int64";
    case TensorType::kBool:
      return "bool";
    case TensorType::kInt16:
      return "int16";
    case TensorType::kInt8:
      return "int8";
    case TensorType::kResource:
      return "resource";
  }
  return "unknown";
}

std::size_t Bytes(const TensorView& view) { return view.size * ElementBytes(view.type); }

class Engine {
 public:
  Engine(const nb::bytes& model, std::optional<std::size_t> arena_bytes) : model_(Copied(model)) {
    std::size_t bytes = arena_bytes.value_or(kFirstArenaBytes);
    while (!Start(bytes)) {
      if (arena_bytes || engine_.error().status != Status::kArenaTooSmall ||
          bytes >= kMaxArenaBytes || engine_.error().arena_bytes > kMaxArenaBytes) {
        throw nb::value_error(Message(engine_.error()).c_str());
      }
      bytes = std::max<std::size_t>(2 * bytes, engine_.error().arena_bytes + 64);
    }
  }

  nb::object Invoke(const Frames& input) {
    CheckInput(input, engine_.input().size);
    std::memcpy(engine_.input().data, input.data(), Bytes(engine_.input()));
    engine_.Invoke();
    const TensorView output = engine_.output();
    std::vector<std::size_t> shape(output.shape.dims, output.shape.dims + output.shape.rank);
    return Owned(std::vector<int8_t>(output.data, output.data + Bytes(output)), shape);
  }

  nb::object Run(const Frames& frames) {
    const std::size_t size = engine_.input().size;
    const std::size_t count = frames.ndim() == 2 ? frames.shape(0) : 0;
    if (frames.ndim() != 2) {
      throw nb::value_error("expected frames as a matrix, one frame a row");
    }
    CheckInput(frames, count * size);
    const std::size_t input_bytes = Bytes(engine_.input());
    const std::size_t output_bytes = Bytes(engine_.output());
    std::vector<int8_t> results(count * output_bytes);
    const auto* const values = static_cast<const int8_t*>(frames.data());
    {
      nb::gil_scoped_release released;
      for (std::size_t i = 0; i < count; ++i) {
        std::memcpy(engine_.input().data, values + i * input_bytes, input_bytes);
        engine_.Invoke();
        std::memcpy(results.data() + i * output_bytes, engine_.output().data, output_bytes);
      }
    }
    return Owned(std::move(results), {count, engine_.output().size});
  }

  void Reset() { engine_.Reset(); }

  const InferenceEngine& engine() const { return engine_; }

 private:
  bool Start(std::size_t arena_bytes) {
    arena_ = std::make_unique<AlignedBytes>(arena_bytes);
    return engine_.Init(model_.span(), AllOperators(), arena_->span()) == Status::kOk;
  }

  void CheckInput(const Frames& input, std::size_t expected) const {
    const TensorType type = engine_.input().type;
    if (input.dtype() != NumpyType(type)) {
      throw nb::type_error((std::string("expected ") + TypeName(type) + " values").c_str());
    }
    if (input.size() != expected) {
      throw nb::value_error(
          ("expected " + std::to_string(engine_.input().size) + " values per frame").c_str());
    }
  }

  nb::object Owned(std::vector<int8_t> values, const std::vector<std::size_t>& shape) const {
    auto* const kept = new std::vector<int8_t>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<int8_t>*>(p); });
    return nb::cast(nb::ndarray<nb::numpy>(kept->data(), shape.size(), shape.data(), owner, nullptr,
                                           NumpyType(engine_.output().type)));
  }

  AlignedBytes model_;
  std::unique_ptr<AlignedBytes> arena_;
  InferenceEngine engine_;
};

nb::tuple ShapeTuple(const Shape& shape) {
  nb::list dims;
  for (int i = 0; i < shape.rank; ++i) {
    dims.append(shape.Dim(i));
  }
  return nb::tuple(dims);
}

int64_t Elements(const Tensor& tensor) { return tensor.exists ? tensor.shape.ElementCount() : 0; }

// Multiplications of 8-bit or 16-bit values with weights, per inference.
int64_t MacsOf(const std::string& name, const std::vector<Tensor>& inputs, const Tensor& output) {
  if (name == "FULLY_CONNECTED") {
    return Elements(output) * inputs[1].shape.Last();
  }
  if (name == "SVDF") {
    return inputs[0].shape.Dim(0) * (Elements(inputs[1]) + Elements(inputs[2]));
  }
  if (name == "CONV_2D") {
    const Shape& weights = inputs[1].shape;
    return Elements(output) * weights.Dim(1) * weights.Dim(2) * weights.Dim(3);
  }
  if (name == "DEPTHWISE_CONV_2D") {
    return Elements(output) * inputs[1].shape.Dim(1) * inputs[1].shape.Dim(2);
  }
  return 0;
}

// C++ name of the operator that a firmware has to link for a call. It is the wide operator only for
// int16 activations, or for an int16 state.
std::string SymbolOf(int32_t code, const std::vector<Tensor>& inputs) {
  const std::size_t telling = code == kOperatorSvdf.builtin_code ? kSvdfState : 0;
  const bool is_wide = inputs.size() > telling && inputs[telling].type == TensorType::kInt16;
#define STAPES_WIDE_OPERATOR(symbol, ...)                      \
  if (is_wide && code == kOperatorWide##symbol.builtin_code) { \
    return "kOperatorWide" #symbol;                            \
  }
#include "nn/operators/operator_list.inc"
#define STAPES_OPERATOR(symbol, ...)            \
  if (code == kOperator##symbol.builtin_code) { \
    return "kOperator" #symbol;                 \
  }
#include "nn/operators/operator_list.inc"
  return "";
}

// One dictionary per operator of every subgraph: index, name, symbol, macs, weight_bytes,
// output_shape, scratch_bytes.
nb::list Operators(const Engine& engine) {
  const Model& model = engine.engine().model();
  nb::list result;
  std::size_t node = 0;
  for (uint32_t s = 0; s < model.subgraph_count(); ++s) {
    const FlatTable subgraph = model.Subgraph(s);
    for (uint32_t i = 0; i < Model::OperatorCount(subgraph); ++i) {
      const OperatorCall call = model.ReadOperator(subgraph, i);
      std::vector<Tensor> inputs(call.inputs.size());
      int64_t weight_bytes = 0;
      for (uint32_t j = 0; j < call.inputs.size(); ++j) {
        const int32_t index = call.inputs.Get<int32_t>(j);
        if (index < 0) {
          continue;
        }
        model.ReadTensor(subgraph, static_cast<uint32_t>(index), &inputs[j]);
        weight_bytes += static_cast<int64_t>(inputs[j].constant.size());
      }
      Tensor output;
      if (call.outputs.size() != 0) {
        model.ReadTensor(subgraph, call.outputs.Get<uint32_t>(0), &output);
      }
      nb::dict entry;
      entry["subgraph"] = s;
      entry["index"] = i;
      entry["builtin_code"] = call.builtin_code;
      entry["name"] = BuiltinName(call.builtin_code);
      entry["symbol"] = SymbolOf(call.builtin_code, inputs);
      entry["macs"] = MacsOf(BuiltinName(call.builtin_code), inputs, output);
      entry["weight_bytes"] = weight_bytes;
      entry["output_shape"] = ShapeTuple(output.shape);
      entry["scratch_bytes"] = engine.engine().nodes()[node++].scratch_bytes;
      result.append(entry);
    }
  }
  return result;
}

// First and last step (operator of the main subgraph) at which a tensor of this subgraph is needed.
struct Life {
  uint32_t first = UINT32_MAX;
  uint32_t last = 0;

  void Touch(uint32_t step) {
    first = std::min(first, step);
    last = std::max(last, step);
  }
};

std::vector<Life> LivesOf(const Model& model) {
  const FlatTable main = model.Subgraph(0);
  std::vector<Life> lives(Model::TensorCount(main));
  const auto touch = [&](const FlatVector& tensors, uint32_t step) {
    for (uint32_t i = 0; i < tensors.size(); ++i) {
      const int32_t index = tensors.Get<int32_t>(i);
      if (index >= 0) {
        lives[static_cast<uint32_t>(index)].Touch(step);
      }
    }
  };
  const uint32_t steps = Model::OperatorCount(main);
  touch(Model::Inputs(main), 0);
  for (uint32_t step = 0; step < steps; ++step) {
    const OperatorCall call = model.ReadOperator(main, step);
    touch(call.inputs, step);
    touch(call.outputs, step);
  }
  touch(Model::Outputs(main), steps == 0 ? 0 : steps - 1);
  return lives;
}

nb::dict PlanEntry(const char* kind, const nb::str& name, uint32_t bytes, uint32_t offset,
                   const Life& life) {
  nb::dict entry;
  entry["kind"] = kind;
  entry["name"] = name;
  entry["bytes"] = bytes;
  entry["offset"] = offset;
  entry["first"] = life.first;
  entry["last"] = life.last;
  return entry;
}

// The name may not be UTF-8: nothing has checked it.
nb::str TensorName(const FlatTable& subgraph, uint32_t index) {
  constexpr int kTensors = 0;
  constexpr int kName = 3;
  const Span<const uint8_t> name = subgraph.TableAt(kTensors, index).Vector(kName, 1).bytes();
  return nb::steal<nb::str>(PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(name.data()),
                                                 static_cast<Py_ssize_t>(name.size()), "replace"));
}

// What is in the arena in addition to the engine's own lists: one dictionary for each tensor, and
// one for the scratch memory of each operator.
nb::list Plan(const Engine& engine) {
  const InferenceEngine& inner = engine.engine();
  const Model& model = inner.model();
  const std::vector<Life> lives = LivesOf(model);
  const uint32_t steps = Model::OperatorCount(model.Subgraph(0));
  const Life always = {0, steps == 0 ? 0 : steps - 1};
  nb::list plan;
  std::size_t place = 0;
  for (uint32_t s = 0; s < model.subgraph_count(); ++s) {
    const FlatTable subgraph = model.Subgraph(s);
    for (uint32_t i = 0; i < Model::TensorCount(subgraph); ++i, ++place) {
      const Address address = inner.addresses()[place];
      if (address >= kInModel) {
        continue;  // constant, or never used
      }
      Tensor tensor;
      model.ReadTensor(subgraph, i, &tensor);
      const bool is_kept = tensor.variable || s != 0;
      plan.append(PlanEntry(tensor.variable ? "variable" : "activation", TensorName(subgraph, i),
                            tensor.byte_count, address, is_kept ? always : lives[i]));
    }
  }
  for (uint32_t i = 0; i < inner.nodes().size(); ++i) {
    const Node& node = inner.nodes()[i];
    if (node.scratch_bytes == 0) {
      continue;
    }
    const Life life = i < steps ? Life{i, i} : always;
    plan.append(PlanEntry("scratch", nb::str(""), node.scratch_bytes, node.scratch, life));
  }
  return plan;
}

// QuantizeMultiplier(a * b / c), with the product rounded to `product_bits` and the quotient to
// `quotient_bits`: (significand, shift).
nb::tuple QuantizeRatios(const Scales& a, const Scales& b, const Scales& c, int product_bits,
                         int quotient_bits) {
  const std::size_t count = a.size();
  if (b.size() != count || c.size() != count) {
    throw nb::value_error("expected equal sizes");
  }
  auto* const values = new std::vector<int32_t>(2 * count);
  nb::capsule owner(values, [](void* p) noexcept { delete static_cast<std::vector<int32_t>*>(p); });
  for (std::size_t i = 0; i < count; ++i) {
    if (!IsScale(a(i)) || !IsScale(b(i)) || !IsScale(c(i))) {
      throw nb::value_error("not a scale");
    }
    const Real product = Multiply(RealFromFloat(a(i)), RealFromFloat(b(i)), product_bits);
    const Multiplier multiplier =
        QuantizeMultiplier(Divide(product, RealFromFloat(c(i)), quotient_bits));
    (*values)[i] = multiplier.value;
    (*values)[count + i] = multiplier.shift;
  }
  using Result = nb::ndarray<nb::numpy, int32_t, nb::ndim<1>>;
  return nb::make_tuple(Result(values->data(), {count}, owner),
                        Result(values->data() + count, {count}, owner));
}

std::optional<nb::bytes> FindMetadata(const nb::bytes& bytes, const std::string& name) {
  AlignedBytes copy = Copied(bytes);
  Model model;
  const Status status = model.Open(copy.span());
  if (status == Status::kNotAModel) {
    throw nb::value_error("not a .tflite file");
  }
  const Span<const uint8_t> content = model.FindMetadata(name.c_str());
  if (!model.HasWholeBuffers()) {
    throw nb::value_error("a .tflite file that is damaged or cut short");
  }
  if (content.empty()) {
    return std::nullopt;
  }
  return nb::bytes(content.data(), content.size());
}

// Name, table of options and version of every operator in operator_list.inc.
std::vector<std::tuple<const char*, const char*, int>> OperatorList() {
  return {
#define STAPES_OPERATOR(symbol, name, options, version, ...) {#name, #options, version},
#include "nn/operators/operator_list.inc"
  };
}

}  // namespace

void BindNn(nb::module_& module) {
  module.def("find_metadata", &FindMetadata, nb::arg("model"), nb::arg("name"),
             "Content of a metadata entry, or None. Raises ValueError for a damaged file.");
  module.def("operators", &OperatorList,
             "Of every operator: builtin name, table of options in the schema or NONE, version in "
             "int8 models.");
  module.def("quantize_ratio", &QuantizeRatios, nb::arg("a"), nb::arg("b"), nb::arg("c"),
             nb::kw_only(), nb::arg("product_bits"), nb::arg("quotient_bits"),
             "Multipliers of a * b / c (bit patterns of float32), rounded as the engine rounds: "
             "(significands, shifts).");
  nb::class_<Engine>(module, "Engine", "The firmware's int8 engine with one model.")
      .def(nb::init<const nb::bytes&, std::optional<std::size_t>>(), nb::arg("model"),
           nb::arg("arena_bytes") = nb::none(),
           "Raises ValueError with the reason for a model that is refused. Without `arena_bytes` "
           "the arena is as large as it has to be.")
      .def("invoke", &Engine::Invoke, nb::arg("input"), "One inference.")
      .def("run", &Engine::Run, nb::arg("frames"),
           "One inference per row: [frames, inputs] -> [frames, outputs], of the model's types "
           "(int8 for Stapes' own). State is kept.")
      .def("reset", &Engine::Reset, "Variable tensors back to their start.")
      .def_prop_ro("input_shape",
                   [](const Engine& e) { return ShapeTuple(e.engine().input().shape); })
      .def_prop_ro("output_shape",
                   [](const Engine& e) { return ShapeTuple(e.engine().output().shape); })
      .def_prop_ro("input_type", [](const Engine& e) { return TypeName(e.engine().input().type); })
      .def_prop_ro("output_type",
                   [](const Engine& e) { return TypeName(e.engine().output().type); })
      .def_prop_ro("input_scale",
                   [](const Engine& e) { return FloatFromBits(e.engine().input().scale_bits); })
      .def_prop_ro("output_scale",
                   [](const Engine& e) { return FloatFromBits(e.engine().output().scale_bits); })
      .def_prop_ro("input_zero_point",
                   [](const Engine& e) { return e.engine().input().zero_point; })
      .def_prop_ro("output_zero_point",
                   [](const Engine& e) { return e.engine().output().zero_point; })
      .def_prop_ro("arena_used", [](const Engine& e) { return e.engine().arena_used(); })
      .def_prop_ro(
          "persistent_bytes", [](const Engine& e) { return e.engine().persistent_bytes(); },
          "Bytes of the arena for lists, operators' data and variables.")
      .def_prop_ro("plan", &Plan,
                   "Places in the arena: kind (activation, variable, scratch), name, bytes, "
                   "offset, first and last operator that needs it.")
      .def_prop_ro("operators", &Operators);
}

}  // namespace stapes

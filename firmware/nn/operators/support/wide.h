// SPDX-License-Identifier: Apache-2.0
// Operators that take int16 activations beside int8 ones ("16x8": int16 activations, int8 weights),
// or as SVDF a state of int16 beside one of int8.
//
// A wide operator has the builtin code of its narrow one and hands int8 tensors over to it. A model
// without int16 activations or states lists the narrow one alone, and links nothing of what is
// here.
#pragma once

#include <cstdint>

#include "nn/operator.h"
#include "nn/quantization.h"

namespace stapes {

// Int16 activations are symmetric.
inline bool IsQuantizedInt16(const Tensor& tensor) {
  return IsQuantized(tensor, TensorType::kInt16) && tensor.quantization.ZeroPoint() == 0;
}

// int16 bounds of a fused activation on the output's scale. Returns nullptr or a reason.
const char* WideActivationRange(Activation activation, const Tensor& output, int32_t* low,
                                int32_t* high);

// Template arguments of the operators of support/: activations of int8, or of int16.
struct NarrowActivations {
  using Value = int8_t;
  static bool Has(const Tensor& tensor) { return IsQuantizedInt8(tensor); }
  static const char* Range(Activation activation, const Tensor& output, int32_t* low,
                           int32_t* high) {
    return ActivationRange(activation, output, low, high);
  }
};

struct WideActivations {
  using Value = int16_t;
  static bool Has(const Tensor& tensor) { return IsQuantizedInt16(tensor); }
  static const char* Range(Activation activation, const Tensor& output, int32_t* low,
                           int32_t* high) {
    return WideActivationRange(activation, output, low, high);
  }
};

// `prepare` and `invoke` of a wide operator. If input `kTelling` is not int16, the narrow one is
// used.
template <const Operator& kNarrow, const char* (*kPrepare)(PrepareContext&),
          void (*kInvoke)(const InvokeContext&), int kTelling = 0>
struct Wide {
  static const char* Prepare(PrepareContext& context) {
    if (context.input_count() <= kTelling || context.Input(kTelling).type != TensorType::kInt16) {
      return kNarrow.prepare(context);
    }
    context.SetWide();
    return kPrepare(context);
  }

  static void Invoke(const InvokeContext& context) {
    if (context.is_wide()) {
      kInvoke(context);
    } else {
      kNarrow.invoke(context);
    }
  }
};

}  // namespace stapes

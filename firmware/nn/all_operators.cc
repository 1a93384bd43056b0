#include "nn/all_operators.h"

#include "nn/operators/operators.h"

namespace stapes {

Span<const Operator* const> AllOperators() {
  static constexpr const Operator* kAll[] = {
      &kOperatorAdd,
      &kOperatorAssignVariable,
      &kOperatorAveragePool2D,
      &kOperatorCallOnce,
      &kOperatorConcatenation,
      &kOperatorConv2D,
      &kOperatorDepthwiseConv2D,
      &kOperatorDequantize,
      &kOperatorFullyConnected,
      &kOperatorLogistic,
      &kOperatorMaxPool2D,
      &kOperatorMean,
      &kOperatorMul,
      &kOperatorPad,
      &kOperatorQuantize,
      &kOperatorReadVariable,
      &kOperatorRelu,
      &kOperatorRelu6,
      &kOperatorReshape,
      &kOperatorSoftmax,
      &kOperatorSplit,
      &kOperatorStridedSlice,
      &kOperatorSub,
      &kOperatorSvdf,
      &kOperatorTanh,
      &kOperatorTranspose,
      &kOperatorVarHandle,
  };
  return kAll;
}

}  // namespace stapes

// Every operator the engine has. A firmware build lists those of its model, and links no others.
#pragma once

#include "nn/operator.h"

namespace stapes {

extern const Operator kOperatorAdd;
extern const Operator kOperatorAssignVariable;
extern const Operator kOperatorAveragePool2D;
extern const Operator kOperatorCallOnce;
extern const Operator kOperatorConcatenation;
extern const Operator kOperatorConv2D;
extern const Operator kOperatorDepthwiseConv2D;
extern const Operator kOperatorDequantize;
extern const Operator kOperatorFullyConnected;
extern const Operator kOperatorLogistic;
extern const Operator kOperatorMaxPool2D;
extern const Operator kOperatorMean;
extern const Operator kOperatorMul;
extern const Operator kOperatorPad;
extern const Operator kOperatorQuantize;
extern const Operator kOperatorReadVariable;
extern const Operator kOperatorRelu;
extern const Operator kOperatorRelu6;
extern const Operator kOperatorReshape;
extern const Operator kOperatorSoftmax;
extern const Operator kOperatorSplit;
extern const Operator kOperatorStridedSlice;
extern const Operator kOperatorSub;
extern const Operator kOperatorSvdf;
extern const Operator kOperatorTanh;
extern const Operator kOperatorTranspose;
extern const Operator kOperatorVarHandle;

}  // namespace stapes

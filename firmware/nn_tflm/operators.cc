// The operators of nn/operators/, run by upstream's kernels: the int8 ones where it has them apart.
#include "nn/operators/operators.h"

#include "nn_tflm/upstream_operator.h"
#include "tensorflow/lite/core/api/flatbuffer_conversions.h"
#include "tensorflow/lite/micro/kernels/add.h"
#include "tensorflow/lite/micro/kernels/conv.h"
#include "tensorflow/lite/micro/kernels/depthwise_conv.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/micro_ops.h"
#include "tensorflow/lite/micro/kernels/mul.h"
#include "tensorflow/lite/micro/kernels/pooling.h"
#include "tensorflow/lite/micro/kernels/reduce.h"
#include "tensorflow/lite/micro/kernels/softmax.h"
#include "tensorflow/lite/micro/kernels/svdf.h"

namespace stapes {

const Operator kOperatorAdd =
    RunBy<tflite::BuiltinOperator_ADD, tflite::Register_ADD_INT8, tflite::ParseAdd>("ADD");
const Operator kOperatorAssignVariable =
    RunBy<tflite::BuiltinOperator_ASSIGN_VARIABLE, tflite::Register_ASSIGN_VARIABLE,
          tflite::ParseAssignVariable>("ASSIGN_VARIABLE");
const Operator kOperatorAveragePool2D =
    RunBy<tflite::BuiltinOperator_AVERAGE_POOL_2D, tflite::Register_AVERAGE_POOL_2D_INT8,
          tflite::ParsePool>("AVERAGE_POOL_2D");
const Operator kOperatorCallOnce =
    RunBy<tflite::BuiltinOperator_CALL_ONCE, tflite::Register_CALL_ONCE, tflite::ParseCallOnce>(
        "CALL_ONCE");
const Operator kOperatorConcatenation =
    RunBy<tflite::BuiltinOperator_CONCATENATION, tflite::Register_CONCATENATION,
          tflite::ParseConcatenation>("CONCATENATION");
const Operator kOperatorConv2D =
    RunBy<tflite::BuiltinOperator_CONV_2D, tflite::Register_CONV_2D_INT8, tflite::ParseConv2D>(
        "CONV_2D");
const Operator kOperatorDepthwiseConv2D =
    RunBy<tflite::BuiltinOperator_DEPTHWISE_CONV_2D, tflite::Register_DEPTHWISE_CONV_2D_INT8,
          tflite::ParseDepthwiseConv2D>("DEPTHWISE_CONV_2D");
const Operator kOperatorDequantize =
    RunBy<tflite::BuiltinOperator_DEQUANTIZE, tflite::Register_DEQUANTIZE, tflite::ParseDequantize>(
        "DEQUANTIZE");
const Operator kOperatorFullyConnected =
    RunBy<tflite::BuiltinOperator_FULLY_CONNECTED, tflite::Register_FULLY_CONNECTED_INT8,
          tflite::ParseFullyConnected>("FULLY_CONNECTED");
const Operator kOperatorLogistic =
    RunBy<tflite::BuiltinOperator_LOGISTIC, tflite::Register_LOGISTIC, tflite::ParseLogistic>(
        "LOGISTIC");
const Operator kOperatorMaxPool2D =
    RunBy<tflite::BuiltinOperator_MAX_POOL_2D, tflite::Register_MAX_POOL_2D_INT8,
          tflite::ParsePool>("MAX_POOL_2D");
const Operator kOperatorMean =
    RunBy<tflite::BuiltinOperator_MEAN, tflite::Register_MEAN, tflite::ParseReducer>("MEAN");
const Operator kOperatorMul =
    RunBy<tflite::BuiltinOperator_MUL, tflite::Register_MUL_INT8, tflite::ParseMul>("MUL");
const Operator kOperatorPad =
    RunBy<tflite::BuiltinOperator_PAD, tflite::Register_PAD, tflite::ParsePad>("PAD");
const Operator kOperatorQuantize =
    RunBy<tflite::BuiltinOperator_QUANTIZE, tflite::Register_QUANTIZE, tflite::ParseQuantize>(
        "QUANTIZE");
const Operator kOperatorReadVariable =
    RunBy<tflite::BuiltinOperator_READ_VARIABLE, tflite::Register_READ_VARIABLE,
          tflite::ParseReadVariable>("READ_VARIABLE");
const Operator kOperatorRelu =
    RunBy<tflite::BuiltinOperator_RELU, tflite::Register_RELU, tflite::ParseRelu>("RELU");
const Operator kOperatorRelu6 =
    RunBy<tflite::BuiltinOperator_RELU6, tflite::Register_RELU6, tflite::ParseRelu6>("RELU6");
const Operator kOperatorReshape =
    RunBy<tflite::BuiltinOperator_RESHAPE, tflite::Register_RESHAPE, tflite::ParseReshape>(
        "RESHAPE");
const Operator kOperatorSoftmax =
    RunBy<tflite::BuiltinOperator_SOFTMAX, tflite::Register_SOFTMAX_INT8, tflite::ParseSoftmax>(
        "SOFTMAX");
const Operator kOperatorSplit =
    RunBy<tflite::BuiltinOperator_SPLIT, tflite::Register_SPLIT, tflite::ParseSplit>("SPLIT");
const Operator kOperatorStridedSlice =
    RunBy<tflite::BuiltinOperator_STRIDED_SLICE, tflite::Register_STRIDED_SLICE,
          tflite::ParseStridedSlice>("STRIDED_SLICE");
const Operator kOperatorSub =
    RunBy<tflite::BuiltinOperator_SUB, tflite::Register_SUB, tflite::ParseSub>("SUB");
const Operator kOperatorSvdf =
    RunBy<tflite::BuiltinOperator_SVDF, tflite::Register_SVDF_INT8, tflite::ParseSvdf>("SVDF");
const Operator kOperatorTanh =
    RunBy<tflite::BuiltinOperator_TANH, tflite::Register_TANH, tflite::ParseTanh>("TANH");
const Operator kOperatorTranspose =
    RunBy<tflite::BuiltinOperator_TRANSPOSE, tflite::Register_TRANSPOSE, tflite::ParseTranspose>(
        "TRANSPOSE");
const Operator kOperatorVarHandle =
    RunBy<tflite::BuiltinOperator_VAR_HANDLE, tflite::Register_VAR_HANDLE, tflite::ParseVarHandle>(
        "VAR_HANDLE");

}  // namespace stapes

// SPDX-License-Identifier: Apache-2.0
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

#define STAPES_OPERATOR(symbol, name, options, version, kernel, parse) \
  const Operator kOperator##symbol =                                   \
      RunBy<tflite::BuiltinOperator_##name, tflite::kernel, tflite::parse>(#name);
#define STAPES_WIDE_OPERATOR(symbol, name, kernel, parse) \
  const Operator kOperatorWide##symbol =                  \
      RunBy<tflite::BuiltinOperator_##name, tflite::kernel, tflite::parse>(#name);
#include "nn/operators/operator_list.inc"

}  // namespace stapes

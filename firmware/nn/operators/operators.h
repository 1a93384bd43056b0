// Every operator the engine has. A firmware build lists those of its model, and links no others.
#pragma once

#include "nn/operator.h"

namespace stapes {

extern const Operator kOperatorFullyConnected;
extern const Operator kOperatorReshape;
extern const Operator kOperatorSoftmax;
extern const Operator kOperatorSvdf;

}  // namespace stapes

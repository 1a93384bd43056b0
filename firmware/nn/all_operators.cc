#include "nn/all_operators.h"

#include "nn/operators/operators.h"

namespace stapes {

Span<const Operator* const> AllOperators() {
  static constexpr const Operator* kAll[] = {
      &kOperatorFullyConnected,
      &kOperatorReshape,
      &kOperatorSoftmax,
      &kOperatorSvdf,
  };
  return kAll;
}

}  // namespace stapes

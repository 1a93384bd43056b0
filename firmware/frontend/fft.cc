// SPDX-License-Identifier: Apache-2.0
#include "frontend/fft.h"

#include "base/fixed_point.h"
#include "frontend/butterfly.h"

namespace stapes {
namespace {

// Sizes 2: sums and differences of neighbours.
void FirstStageRadix2(ComplexInt* values, uint32_t size) {
  for (const ComplexInt* end = values + size; values != end; values += 2) {
    const ComplexInt a = values[0];
    const ComplexInt b = values[1];
    values[0] = {Add(a.re, b.re), Add(a.im, b.im)};
    values[1] = {Sub(a.re, b.re), Sub(a.im, b.im)};
  }
}

// Sizes 4. Bit reversal swaps the two middle inputs of a radix-4 butterfly.
void FirstStageRadix4(ComplexInt* values, uint32_t size) {
  for (const ComplexInt* end = values + size; values != end; values += 4) {
    const ComplexInt x0 = values[0];
    const ComplexInt x2 = values[1];
    const ComplexInt a = {Add(x0.re, x2.re), Add(x0.im, x2.im)};
    const ComplexInt b = {Sub(x0.re, x2.re), Sub(x0.im, x2.im)};
    const ComplexInt x1 = values[2];
    const ComplexInt x3 = values[3];
    const ComplexInt c = {Add(x1.re, x3.re), Add(x1.im, x3.im)};
    const ComplexInt d = {Sub(x1.re, x3.re), Sub(x1.im, x3.im)};
    values[0] = {Add(a.re, c.re), Add(a.im, c.im)};
    values[1] = {Add(b.re, d.im), Sub(b.im, d.re)};
    values[2] = {Sub(a.re, c.re), Sub(a.im, c.im)};
    values[3] = {Sub(b.re, d.im), Add(b.im, d.re)};
  }
}

// Joins sub-transforms of `quarter` numbers to transforms of four times as many.
void StageRadix4(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  for (const ComplexInt* end = values + size; values != end; values += 4 * quarter) {
    const int32_t* stage_twiddles = twiddles;
    ComplexInt* v0 = values;
    ComplexInt* v1 = v0 + quarter;
    ComplexInt* v2 = v1 + quarter;
    ComplexInt* v3 = v2 + quarter;
    for (const ComplexInt* block_end = v1; v0 != block_end;) {
      Butterfly(v0, v1, v2, v3, stage_twiddles);
    }
  }
}

}  // namespace

void Fft(int size_log2, const int32_t* twiddles, ComplexInt* values) {
  const uint32_t size = 1u << size_log2;
  uint32_t quarter = 4;
  if (size_log2 % 2 != 0) {
    FirstStageRadix2(values, size);
    quarter = 2;
  } else {
    FirstStageRadix4(values, size);
  }
  for (; quarter < size; quarter *= 4) {
    StageRadix4(values, size, quarter, twiddles);
    twiddles += 6 * quarter;
  }
  values[size] = values[0];
}

}  // namespace stapes

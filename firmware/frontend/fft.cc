#include "frontend/fft.h"

#include "base/fixed_point.h"

namespace stapes {
namespace {

// value * exp(-i a) / 2.
inline ComplexInt HalfRotated(ComplexInt value, int32_t cosine, int32_t sine) {
  return {MulAddHigh(MulHigh(value.re, cosine), value.im, sine),
          MulSubHigh(MulHigh(value.im, cosine), value.re, sine)};
}

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

// One butterfly on four numbers `quarter` apart; the rotated inputs are halves, doubled on use.
inline void Butterfly(ComplexInt* values, uint32_t quarter, const int32_t* twiddles) {
  ComplexInt* const v1 = values + quarter;
  ComplexInt* const v2 = v1 + quarter;
  ComplexInt* const v3 = v2 + quarter;
  const ComplexInt t2 = HalfRotated(*v1, twiddles[2], twiddles[3]);
  const ComplexInt t1 = HalfRotated(*v2, twiddles[0], twiddles[1]);
  const ComplexInt t3 = HalfRotated(*v3, twiddles[4], twiddles[5]);
  const ComplexInt c = {Add(t1.re, t3.re), Add(t1.im, t3.im)};
  const ComplexInt d = {Sub(t1.re, t3.re), Sub(t1.im, t3.im)};
  const ComplexInt x0 = *values;
  const ComplexInt a = {Add(x0.re, Twice(t2.re)), Add(x0.im, Twice(t2.im))};
  const ComplexInt b = {Sub(x0.re, Twice(t2.re)), Sub(x0.im, Twice(t2.im))};
  *values = {Add(a.re, Twice(c.re)), Add(a.im, Twice(c.im))};
  *v1 = {Add(b.re, Twice(d.im)), Sub(b.im, Twice(d.re))};
  *v2 = {Sub(a.re, Twice(c.re)), Sub(a.im, Twice(c.im))};
  *v3 = {Sub(b.re, Twice(d.im)), Add(b.im, Twice(d.re))};
}

// Joins sub-transforms of `quarter` numbers to transforms of four times as many.
void StageRadix4(ComplexInt* values, uint32_t size, uint32_t quarter, const int32_t* twiddles) {
  for (const ComplexInt* end = values + size; values != end; values += 3 * quarter) {
    const int32_t* stage_twiddles = twiddles;
    for (const ComplexInt* block_end = values + quarter; values != block_end; ++values) {
      Butterfly(values, quarter, stage_twiddles);
      stage_twiddles += 6;
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

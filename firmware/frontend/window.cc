// SPDX-License-Identifier: Apache-2.0
#include "frontend/window.h"

#include "base/fixed_point.h"

namespace stapes {
namespace {

// Complex numbers at bit-reversed places.
class Scatter {
 public:
  Scatter(ComplexInt* output, int size_log2, int shift)
      : output_(output), index_shift_(32 - size_log2), shift_(shift), half_((1 << shift) >> 1) {}

  // Windows one pair of samples.
  void Put(uint32_t index, uint32_t pair, int32_t first_weight, int32_t second_weight) const {
    ComplexInt& place = output_[ReverseBits(index) >> index_shift_];
    place = {MulAddLowHalf(half_, first_weight, pair) >> shift_,
             MulAddHighHalf(half_, second_weight, pair) >> shift_};
  }

  void PutZero(uint32_t index) const { output_[ReverseBits(index) >> index_shift_] = {0, 0}; }

 private:
  ComplexInt* output_;
  int index_shift_;
  int shift_;
  int32_t half_;  // makes the shift round to nearest
};

// Set where a bit differs from its lower neighbour: the highest one of a sample tells its size.
inline uint32_t SignChanges(uint32_t pair) { return pair ^ (pair << 1); }

}  // namespace

int PeakBits(const int16_t* samples, uint32_t count) {
  // The lower sample of a pair spills into bit 16 only, which is masked out together with bit 0.
  uint32_t bits = 0;
  const int16_t* const end = samples + count;
  for (const int16_t* unrolled_end = end - count % 8; samples != unrolled_end; samples += 8) {
    bits |= SignChanges(LoadPair(samples)) | SignChanges(LoadPair(samples + 2));
    bits |= SignChanges(LoadPair(samples + 4)) | SignChanges(LoadPair(samples + 6));
  }
  for (; samples != end; ++samples) {
    bits |= SignChanges(static_cast<uint16_t>(*samples));
  }
  bits = (bits | (bits >> 16)) & 0xFFFEu;
  return bits == 0 ? 0 : 31 - LeadingZeros(bits);
}

int WindowShift(const FrontEndTables& tables, int peak_bits) {
  const int shift = peak_bits + 15 - tables.input_bits;
  return shift > 0 ? shift : 0;
}

void ApplyWindow(const FrontEndTables& tables, const int16_t* samples, int shift,
                 ComplexInt* output) {
  const int size_log2 = tables.fft_log2 - 1;
  const Scatter scatter(output, size_log2, shift);
  const uint32_t count = tables.window_samples;
  const uint32_t size = 1u << size_log2;
  const int32_t* weight = tables.window;
  uint32_t pair = 0;
  for (; pair < (count + 2) / 4; ++pair) {  // rising half
    scatter.Put(pair, LoadPair(samples), weight[0], weight[1]);
    samples += 2;
    weight += 2;
  }
  weight = tables.window + (count - 2 * pair);
  for (; pair < count / 2; ++pair) {
    scatter.Put(pair, LoadPair(samples), weight[0], weight[-1]);
    samples += 2;
    weight -= 2;
  }
  if (count % 2 != 0) {
    scatter.Put(pair, static_cast<uint16_t>(*samples), weight[0], 0);
    ++pair;
  }
  for (; pair < size; ++pair) {
    scatter.PutZero(pair);
  }
}

}  // namespace stapes

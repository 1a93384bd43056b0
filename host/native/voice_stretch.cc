// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "simd.h"
#include "voice.h"

namespace stapes {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr std::size_t kLanes = 8;

struct Sizes {
  Sizes(uint32_t sample_rate, double rate) {
    hop = std::max<std::size_t>(2 * kLanes, sample_rate * 16 / 1000 / kLanes * kLanes);
    reach = hop * 5 / 8;
    step = std::max<std::size_t>(1, sample_rate / 4000);
    // A group of eight lags may reach up to seven lags beyond the last one.
    front = (hop + reach + kLanes * step) / step * step;
    back = front + hop + static_cast<std::size_t>(static_cast<double>(hop) * rate);
  }

  std::size_t hop;          // half a piece; also the distance of pieces in the output
  std::size_t reach;        // how far a piece may be from its place in the input
  std::size_t step;         // so many samples are summed for the coarse search
  std::size_t front, back;  // zeros on either side of the input
};

// The dot products of `reference` [count] with the samples that begin at `candidates` + 0 .. 7.
STAPES_INLINE void DotEight(const float* reference, const float* candidates, std::size_t count,
                            Float8* dots) {
  Float8 even = {}, odd = {}, values;
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    Load8(candidates + i, &values);
    even += values * reference[i];
    Load8(candidates + i + 1, &values);
    odd += values * reference[i + 1];
  }
  *dots = even + odd;
}

// Dot product of a and b, and energy of b; count is a multiple of 8.
STAPES_INLINE void DotAndEnergy(const float* a, const float* b, std::size_t count, float* dot,
                                float* energy) {
  Float8 dots = {}, squares = {}, left, right;
  for (std::size_t i = 0; i < count; i += kLanes) {
    Load8(a + i, &left);
    Load8(b + i, &right);
    dots += left * right;
    squares += right * right;
  }
  *dot = Sum8(dots);
  *energy = Sum8(squares);
}

// Squared correlation with its sign, not divided by the energy of the reference; 0 for silence.
STAPES_INLINE float Likeness(float dot, float energy) {
  return energy > 0 ? dot * std::fabs(dot) / energy : 0;
}

class Search {
 public:
  explicit Search(const Sizes& sizes) : sizes_(sizes) {}

  // Computes the sums of `step` samples each of `padded`, and the running energy of these sums.
  void Prepare(const std::vector<float>& padded) {
    padded_ = padded.data();
    coarse_.resize(padded.size() / sizes_.step);
    energy_.resize(coarse_.size() + 1);
    for (std::size_t i = 0; i < coarse_.size(); ++i) {
      float sum = 0;
      for (std::size_t j = 0; j < sizes_.step; ++j) {
        sum += padded_[i * sizes_.step + j];
      }
      coarse_[i] = sum;
      energy_[i + 1] = energy_[i] + static_cast<double>(sum) * sum;
    }
  }

  // Finds, within reach of `place`, the half piece that is most like the one at `reference`;
  // returns where it begins.
  STAPES_INLINE std::size_t Best(std::size_t reference, std::size_t place) const {
    return Fine(reference, place, Coarse(reference, place));
  }

 private:
  STAPES_INLINE std::size_t Coarse(std::size_t reference, std::size_t place) const {
    const std::size_t step = sizes_.step, count = sizes_.hop / step;
    const std::size_t first = (place - sizes_.reach) / step, last = (place + sizes_.reach) / step;
    std::size_t best = place / step;
    float most = 0;
    for (std::size_t group = first; group <= last; group += kLanes) {
      Float8 dots;
      DotEight(&coarse_[reference / step], &coarse_[group], count, &dots);
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const std::size_t at = group + lane;
        const double energy = energy_[at + count] - energy_[at];
        const float likeness = Likeness(dots[lane], static_cast<float>(energy));
        if (likeness <= most || at > last) {
          continue;
        }
        most = likeness;
        best = at;
      }
    }
    return best * step + reference % step;
  }

  STAPES_INLINE std::size_t Fine(std::size_t reference, std::size_t place, std::size_t near) const {
    const std::size_t low = std::max(near - sizes_.step, place - sizes_.reach);
    const std::size_t high = std::min(near + sizes_.step, place + sizes_.reach);
    std::size_t best = std::min(std::max(near, low), high);
    float most = 0;
    for (std::size_t at = low; at <= high; ++at) {
      float dot, energy;
      DotAndEnergy(padded_ + reference, padded_ + at, sizes_.hop, &dot, &energy);
      const float likeness = Likeness(dot, energy);
      if (likeness <= most) {
        continue;
      }
      most = likeness;
      best = at;
    }
    return best;
  }

  const Sizes sizes_;
  const float* padded_ = nullptr;
  std::vector<float> coarse_;
  std::vector<double> energy_;
};

std::vector<float> RisingHalf(std::size_t count) {
  std::vector<float> weights(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const double sine = std::sin(kPi / 2 * place);
    weights[i] = static_cast<float>(sine * sine);
  }
  return weights;
}

// Writes output [blocks * hop]; see Stretch.
STAPES_CLONED void Overlap(const Sizes& sizes, const std::vector<float>& padded, double rate,
                           const Search& search, const std::vector<float>& rising, float* output,
                           std::size_t blocks) {
  const std::size_t hop = sizes.hop;
  std::size_t leaving = sizes.front;  // where the second half of the last piece begins
  for (std::size_t block = 0; block < blocks; ++block) {
    const double centre = std::round(static_cast<double>((block + 1) * hop) * rate);
    const std::size_t place = sizes.front + static_cast<std::size_t>(centre) - hop;
    const std::size_t coming = search.Best(leaving, place);
    for (std::size_t i = 0; i < hop; ++i) {
      const float old = padded[leaving + i];
      output[block * hop + i] = old + rising[i] * (padded[coming + i] - old);
    }
    leaving = coming + hop;
  }
}

}  // namespace

std::vector<float> Stretch(const float* samples, std::size_t count, double rate,
                           uint32_t sample_rate) {
  const Sizes sizes(sample_rate, rate);
  const double exact = std::round(static_cast<double>(count) / rate);
  const std::size_t length = std::max<std::size_t>(2, static_cast<std::size_t>(exact));
  std::vector<float> padded(sizes.front + count + sizes.back);
  std::copy(samples, samples + count, padded.begin() + static_cast<std::ptrdiff_t>(sizes.front));
  Search search(sizes);
  search.Prepare(padded);
  const std::size_t blocks = (length + sizes.hop - 1) / sizes.hop;
  std::vector<float> output(blocks * sizes.hop);
  Overlap(sizes, padded, rate, search, RisingHalf(sizes.hop), output.data(), blocks);
  output.resize(length);
  return output;
}

}  // namespace stapes

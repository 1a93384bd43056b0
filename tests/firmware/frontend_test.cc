// SPDX-License-Identifier: Apache-2.0
// The fixed-point front end against double arithmetic, and at the extremes of its input. Built a
// second time with checked arithmetic (frontend_checked), where an overflow anywhere is a trap.
#include <doctest/doctest.h>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <random>
#include <vector>

#ifdef STAPES_CHECKED_ARITHMETIC
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>
#endif

#include "base/fixed_point.h"
#include "frontend/fft.h"
#include "frontend/front_end.h"
#include "frontend/logarithm.h"
#include "frontend/mel.h"
#include "frontend/pcen.h"
#include "frontend/quantize_features.h"
#include "frontend/samples.h"
#include "frontend/square_root.h"
#include "frontend/window.h"
#include "frontend_tables.h"

namespace stapes {
namespace {

using testing::TestPcen;
using testing::TestSettings;
using testing::TestTables;

const TestSettings kAllSettings[] = {
    {16000, 480, 320, 40, 20, 4000, 40},   // the default
    {16000, 512, 160, 64, 20, 8000, 0},    // log-mel up to the Nyquist bin
    {8000, 200, 80, 21, 0, 4000, 13},      // half-size FFT that is not a power of 4
    {44100, 1102, 441, 40, 20, 7600, 13},  // the window's middle is within a pair of samples
    {16000, 33, 40, 5, 0, 8000, 0},        // the same, odd
    {48000, 4096, 4096, 80, 0, 24000, 0},  // largest FFT
    {8000, 16, 8, 2, 0, 4000, 2},          // smallest FFT
    {16000, 31, 100, 5, 0, 8000, 5},       // odd window, pauses between windows
};

// A front end with its memory.
class Harness {
 public:
  explicit Harness(const FrontEndTables& tables)
      : tables_(tables), work_((tables.work_bytes + 7) / 8) {
    REQUIRE(front_end_.Init(tables, {reinterpret_cast<uint8_t*>(work_.data()), tables.work_bytes}));
  }

  // Unrounded features of all frames in `audio`, in units of the natural logarithm.
  std::vector<std::vector<double>> Run(const std::vector<int16_t>& audio) {
    std::vector<std::vector<double>> frames;
    std::vector<int32_t> features(FeatureCount(tables_));
    Span<const int16_t> rest(audio.data(), audio.size());
    while (!rest.empty()) {
      rest = rest.Skip(front_end_.Push(rest));
      if (!front_end_.PopFrameUnrounded({features.data(), features.size()})) {
        continue;
      }
      frames.emplace_back();
      for (const int32_t feature : features) {
        frames.back().push_back(std::ldexp(feature, -tables_.feature_bits));
      }
    }
    return frames;
  }

  FrontEnd& front_end() { return front_end_; }

 private:
  const FrontEndTables& tables_;
  std::vector<uint64_t> work_;
  FrontEnd front_end_;
};

template <typename Function>
std::vector<int16_t> Samples(std::size_t count, Function function) {
  std::vector<int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<int16_t>(function(i));
  }
  return samples;
}

std::vector<int16_t> SquareWave(std::size_t count, std::size_t period) {
  return Samples(count,
                 [period](std::size_t i) { return i % period < period / 2 ? 32767 : -32768; });
}

std::vector<int16_t> Noise(std::size_t count, int amplitude) {
  std::mt19937 generator(7);
  std::uniform_int_distribution<int> distribution(-amplitude, amplitude);
  return Samples(count, [&](std::size_t) { return distribution(generator); });
}

// Equal up to an absolute error.
doctest::Approx Near(double value, double error) {
  return doctest::Approx(value).scale(1).epsilon(error / (1 + std::abs(value)));
}

// ln of the mel channels by the definition: sums of cosines, triangles on the mel scale.
std::vector<double> ReferenceLogMel(const TestSettings& settings, const int16_t* samples) {
  uint32_t size = 1;
  while (size < settings.window) {
    size *= 2;
  }
  const double bin_hertz = settings.rate / size;
  const auto mel = [](double hertz) { return 1127.0 * std::log1p(hertz / 700.0); };
  const double low = mel(settings.low);
  const double spacing = (mel(settings.high) - low) / (settings.channels + 1);
  std::vector<double> channels(settings.channels);
  for (int bin = static_cast<int>(1.5 + settings.low / bin_hertz);
       bin <= static_cast<int>(settings.high / bin_hertz); ++bin) {
    std::complex<double> sum = 0;
    for (uint32_t i = 0; i < settings.window; ++i) {
      const double window = 0.5 - 0.5 * std::cos(2 * testing::Pi() * i / settings.window);
      const double turns = static_cast<double>(static_cast<uint64_t>(bin) * i % size) / size;
      sum += samples[i] / 32768.0 * window * std::polar(1.0, -2 * testing::Pi() * turns);
    }
    for (int channel = 0; channel < settings.channels; ++channel) {
      const double distance = std::abs((mel(bin * bin_hertz) - low) / spacing - (channel + 1));
      if (distance >= 1) {
        continue;
      }
      channels[static_cast<std::size_t>(channel)] += std::abs(sum) * (1 - distance);
    }
  }
  for (double& channel : channels) {
    channel = std::log(std::max(channel, 1e-12));
  }
  return channels;
}

TEST_CASE("high-word products round to nearest") {
  CHECK(MulHigh(1 << 30, 1 << 30) == 1 << 28);
  CHECK(MulHigh(INT32_MIN, INT32_MIN) == 1 << 30);
  CHECK(MulHigh(1, INT32_MIN) == 0);  // -1/2 goes up
  CHECK(MulHigh(3, INT32_MIN) == -1);
  CHECK(MulAddHigh(5, -(1 << 30), 4) == 4);
  CHECK(MulSubHigh(5, 1, INT32_MIN) == 6);  // 5 + 1/2 goes up
}

TEST_CASE("products with halves of a pair round down") {
  const uint32_t pair = 0x8000FFFFu;  // -1 in the lower half, -32768 in the upper
  CHECK(MulAddLowHalf(0, 1, pair) == -1);
  CHECK(MulAddHighHalf(7, 1 << 16, pair) == -32768 + 7);
  CHECK(MulAddHighHalf(0, INT32_MIN + 1, pair) == (1 << 30) - 1);
}

TEST_CASE("square roots of 64-bit numbers are close to the true ones") {
  CHECK(SquareRoot(0) == 0);
  std::mt19937_64 generator(3);
  for (int bits = 1; bits < 63; ++bits) {
    for (int i = 0; i < 200; ++i) {
      const uint64_t value = (generator() >> (64 - bits)) | (uint64_t{1} << (bits - 1));
      const double root = std::sqrt(static_cast<double>(value));
      CHECK(std::abs(SquareRoot(value) - root) <= root * 0x1p-15 + 1);
    }
  }
}

TEST_CASE("logarithms of 64-bit numbers are close to the true ones") {
  std::mt19937_64 generator(4);
  for (int bits = 1; bits <= 64; ++bits) {
    for (int i = 0; i < 200; ++i) {
      const uint64_t value = (generator() >> (64 - bits)) | (uint64_t{1} << (bits - 1));
      const double log = std::log(static_cast<double>(value) * 0x1p-40);
      CHECK(std::abs(NaturalLog(value, 40) * 0x1p-16 - log) < 0x1p-15);
    }
  }
}

TEST_CASE("peak bits are the least that hold all samples") {
  const auto peak = [](const std::vector<int16_t>& samples) {
    std::vector<int16_t> copy(samples.size());
    const SignChanges changes = CopySamples(copy.data(), samples.data(), samples.size());
    CHECK(copy == samples);
    return PeakBits(changes);
  };
  for (std::size_t place = 0; place < 37; ++place) {
    const auto one_of_37 = [&](int value) {
      std::vector<int16_t> samples(37);
      samples[place] = static_cast<int16_t>(value);
      return peak(samples);
    };
    for (int bits = 1; bits <= 15; ++bits) {
      CHECK(one_of_37((1 << bits) - 1) == bits);
      CHECK(one_of_37(-(1 << bits)) == bits);
      CHECK(one_of_37(-(1 << bits) - (bits < 15)) == bits + (bits < 15));
    }
  }
  CHECK(peak({0, 0, -1}) == 0);
}

TEST_CASE("samples are copied from and to any place, also to the front of where they come from") {
  const std::vector<int16_t> samples = Noise(60, 32767);
  for (std::size_t from = 0; from < 4; ++from) {
    for (std::size_t to = 0; to <= from; ++to) {
      std::vector<int16_t> moved = samples;
      CopySamples(moved.data() + to, moved.data() + from, 50);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        CHECK(moved[i] == samples[i >= to && i < to + 50 ? i - to + from : i]);
      }
    }
  }
}

TEST_CASE("the FFT equals the discrete Fourier transform up to rounding") {
  std::mt19937 generator(5);
  for (const int size_log2 : {3, 4, 7, 8, 11}) {
    const uint32_t size = 1u << size_log2;
    const TestTables tables({16000, 2 * size, size, 4, 0, 8000, 0});
    const int amplitude = 1 << (30 - size_log2);
    std::uniform_int_distribution<int32_t> distribution(-amplitude, amplitude);
    std::vector<ComplexInt> values(size + 1);
    std::vector<std::complex<double>> input(size);
    for (uint32_t i = 0; i < size; ++i) {
      const ComplexInt value = {distribution(generator), distribution(generator)};
      values[ReverseBits(i) >> (32 - size_log2)] = value;
      input[i] = {static_cast<double>(value.re), static_cast<double>(value.im)};
    }
    for (uint32_t i = 0; i < size; i += 2) {  // the first stage
      const ComplexInt a = values[i], b = values[i + 1];
      values[i] = {a.re + b.re, a.im + b.im};
      values[i + 1] = {a.re - b.re, a.im - b.im};
    }
    Fft(size_log2, tables.get().twiddles, values.data());
    double worst = 0;
    for (uint32_t k = 0; k < size; k += 1 + size / 64) {
      std::complex<double> sum = 0;
      for (uint32_t i = 0; i < size; ++i) {
        sum += input[i] * std::polar(1.0, -2 * testing::Pi() * (k * i % size) / size);
      }
      worst = std::max(worst, std::abs(sum.real() - values[k].re));
      worst = std::max(worst, std::abs(sum.imag() - values[k].im));
    }
    CHECK(worst < 4 * std::sqrt(size));
    CHECK(values[size].re == values[0].re);
    CHECK(values[size].im == values[0].im);
  }
}

TEST_CASE("log-mel channels of noise follow their definition at every setting") {
  for (TestSettings settings : kAllSettings) {
    CAPTURE(settings.window);
    settings.coefficients = 0;
    const TestTables tables(settings);
    for (const int amplitude : {32767, 300, 5}) {
      const std::vector<int16_t> audio = Noise(settings.window, amplitude);
      const auto frames = Harness(tables.get()).Run(audio);
      REQUIRE(frames.size() == 1);
      const std::vector<double> expected = ReferenceLogMel(settings, audio.data());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(frames[0][i] == Near(expected[i], 2e-3));
      }
    }
  }
}

TEST_CASE("the DCT of the channels follows its definition") {
  for (const TestSettings& settings : kAllSettings) {
    if (settings.coefficients == 0) {
      continue;
    }
    CAPTURE(settings.window);
    TestSettings log_mel = settings;
    log_mel.coefficients = 0;
    const TestTables tables(settings), log_mel_tables(log_mel);
    const std::vector<int16_t> audio = Noise(settings.window, 9000);
    const auto features = Harness(tables.get()).Run(audio)[0];
    const auto logs = Harness(log_mel_tables.get()).Run(audio)[0];
    const double channels = settings.channels;
    for (std::size_t i = 0; i < features.size(); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < logs.size(); ++j) {
        const double turns = static_cast<double>(i) * (static_cast<double>(j) + 0.5);
        const double angle = testing::Pi() * turns;
        sum += logs[j] * std::sqrt(2 / channels) * std::cos(angle / channels);
      }
      CHECK(features[i] == Near(sum, 5e-3));
    }
  }
}

TEST_CASE("normalised energies follow their definition") {
  const TestPcen pcen = {0.05, 0.98, 2, 0.5, 1e-3};
  const TestSettings settings = {16000, 480, 320, 40, 20, 7600, 0};
  TestTables tables(settings);
  tables.UsePcen(pcen, 20);
  std::vector<int16_t> audio = Noise(480 + 60 * 320, 9000);
  std::fill(audio.begin() + 5000, audio.begin() + 9000, int16_t{0});
  for (std::size_t i = 12000; i < audio.size(); ++i) {
    audio[i] = static_cast<int16_t>(audio[i] / 100);
  }
  const auto frames = Harness(tables.get()).Run(audio);
  REQUIRE(frames.size() == 61);
  std::vector<double> smoothed(settings.channels);
  double heard = 0;
  for (std::size_t frame = 0; frame < frames.size(); ++frame) {
    const int16_t* samples = audio.data() + frame * settings.stride;
    const bool silent = std::all_of(samples, samples + 480, [](int16_t x) { return x == 0; });
    heard += silent ? 0 : 1;
    const double rate = silent ? 0 : std::max(pcen.rate, 1 / heard);
    const std::vector<double> logs = ReferenceLogMel(settings, samples);
    for (std::size_t i = 0; i < logs.size(); ++i) {
      const double energy = std::exp(logs[i]);
      smoothed[i] += rate * (energy - smoothed[i]);
      const double gained = energy / std::pow(pcen.floor + smoothed[i], pcen.alpha);
      const double expected = std::pow(gained + pcen.delta, pcen.root) - std::sqrt(pcen.delta);
      CHECK(frames[frame][i] == Near(expected, 5e-3));
    }
  }
}

TEST_CASE("the smoothed energies start as the mean and do not count silence") {
  TestTables tables(kAllSettings[1]);
  tables.mutable_tables().pcen_rate = 1 << 14;
  PcenState state = {};
  const auto next = [&](bool is_silent) { return NextPcenRate(tables.get(), is_silent, &state); };
  CHECK(next(true) == 0);
  for (int heard = 1; heard <= 3; ++heard) {
    CHECK(next(false) == (1 << 16) / heard);
    CHECK(next(true) == 0);
  }
  CHECK(next(false) == 1 << 14);
  CHECK(next(false) == 1 << 14);
  state = {};
  CHECK(next(false) == 1 << 16);
}

TEST_CASE("silence gives the floor in every channel") {
  for (TestSettings settings : kAllSettings) {
    settings.coefficients = 0;
    const TestTables tables(settings);
    const auto frames = Harness(tables.get()).Run(std::vector<int16_t>(settings.window));
    for (const double feature : frames[0]) {
      CHECK(feature == std::ldexp(kLogFloor, -16));
    }
  }
}

TEST_CASE("loud extremes stay in range") {
  for (const TestSettings& settings : kAllSettings) {
    CAPTURE(settings.window);
    const TestTables tables(settings);
    const std::size_t count = settings.window + 3 * settings.stride;
    std::vector<std::vector<int16_t>> signals = {
        Samples(count, [](std::size_t) { return 32767; }),
        Samples(count, [](std::size_t) { return -32768; }),
        Noise(count, 32767),
        Samples(count, [&](std::size_t i) { return i == settings.window / 2 ? -32768 : 0; }),
        Samples(count, [&](std::size_t i) { return i == settings.window - 1 ? 32767 : 0; }),
        Samples(count, [](std::size_t) { return -1; }),
    };
    for (const std::size_t period : {2u, 4u, 6u, 8u, 16u, 64u, 100u, 512u}) {
      signals.push_back(SquareWave(count, period));
    }
    // The largest a mel channel can be: all bins, each the sum of the window.
    const double most = std::log(settings.window / 2.0 * settings.window);
    const double norm = settings.coefficients == 0 ? 1 : std::sqrt(2.0 * settings.channels);
    for (const auto& signal : signals) {
      for (const auto& frame : Harness(tables.get()).Run(signal)) {
        for (const double feature : frame) {
          CHECK(std::abs(feature) <= norm * std::max(27.7, most));
        }
      }
    }
  }
}

TEST_CASE("normalised energies stay in range after silence, at full scale and back") {
  for (TestSettings settings : kAllSettings) {
    CAPTURE(settings.window);
    settings.coefficients = 0;
    // As host/stapes/device/tables.py: no channel is above the sum of the window over all bins.
    const double most = settings.window / 2.0 * settings.window;
    const auto bits = static_cast<uint16_t>(std::log2(0x1p31 / most));
    for (const double rate : {1.0, 0.001}) {
      TestTables tables(settings);
      tables.UsePcen({rate, 1, 1, 0.5, std::ldexp(1, -bits)}, bits);
      std::vector<int16_t> signal(3 * settings.stride + settings.window);
      for (const std::size_t period : {2u, 64u, 512u}) {
        const auto loud = SquareWave(3 * settings.stride + settings.window, period);
        signal.insert(signal.end(), loud.begin(), loud.end());
        signal.resize(signal.size() + settings.window, -1);
      }
      for (const auto& frame : Harness(tables.get()).Run(signal)) {
        for (const double feature : frame) {
          CHECK(feature >= 0);
          CHECK(feature <= 130);  // the curve's end
        }
      }
    }
  }
}

TEST_CASE("a full-scale square wave is as loud as its definition says") {
  const TestSettings settings = {16000, 512, 512, 40, 20, 8000, 0};
  const TestTables tables(settings);
  const std::vector<int16_t> audio = SquareWave(512, 32);
  const std::vector<double> expected = ReferenceLogMel(settings, audio.data());
  const auto features = Harness(tables.get()).Run(audio)[0];
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] > -4) {
      CHECK(std::abs(features[i] - expected[i]) < 1e-3);
    }
  }
}

TEST_CASE("features are rounded to nearest and saturate") {
  TestTables tables(kAllSettings[1]);  // Q16, 16 steps per unit: a step is 4096
  tables.mutable_tables().zero_point = 10;
  const int32_t features[] = {0, 2047, 2048, -2048, -2049, 117 * 4096, 118 * 4096, INT32_MIN};
  int8_t output[8];
  QuantizeFeatures(tables.get(), features, output);
  const int8_t expected[] = {10, 10, 11, 10, 9, 127, 127, -128};
  for (int i = 0; i < 8; ++i) {
    CHECK(output[i] == expected[i]);
  }
  tables.mutable_tables().multiplier = 1 << 30;  // a step is 4, by the shortest shift
  tables.mutable_tables().shift = 32;
  const int32_t few[] = {1, 2, -2, -3};
  const int8_t rounded[] = {10, 11, 10, 9};
  QuantizeFeatures(tables.get(), few, {output, 4});
  for (int i = 0; i < 4; ++i) {
    CHECK(output[i] == rounded[i]);
  }
}

TEST_CASE("a pushed stream stops at the end of each frame and skips long strides") {
  const TestTables tables(kAllSettings[7]);  // window 31, stride 100
  Harness harness(tables.get());
  const std::vector<int16_t> audio = Noise(131, 1000);
  FrontEnd& front_end = harness.front_end();
  int8_t features[5];
  CHECK(front_end.Push({audio.data(), 30}) == 30);
  CHECK_FALSE(front_end.PopFrame(features));
  CHECK(front_end.Push({audio.data() + 30, 101}) == 1);
  CHECK(front_end.Push({audio.data() + 31, 100}) == 0);
  CHECK_FALSE(front_end.PopFrame({features, 4}));
  CHECK(front_end.PopFrame(features));
  CHECK_FALSE(front_end.PopFrame(features));
  CHECK(front_end.Push({audio.data() + 31, 100}) == 100);
  CHECK(front_end.PopFrame(features));
  int8_t again[5];
  Harness fresh(tables.get());
  CHECK(fresh.front_end().Push({audio.data() + 100, 31}) == 31);
  CHECK(fresh.front_end().PopFrame(again));
  for (int i = 0; i < 5; ++i) {
    CHECK(features[i] == again[i]);
  }
}

TEST_CASE("memory that is too small or not aligned is refused") {
  TestTables tables(kAllSettings[1]);
  tables.UsePcen({0.05, 1, 2, 0.5, 0.001}, 16);
  std::vector<uint64_t> work(1000);
  uint8_t* bytes = reinterpret_cast<uint8_t*>(work.data());
  FrontEnd front_end;
  CHECK_FALSE(front_end.Init(tables.get(), {bytes, tables.get().work_bytes - 1}));
  CHECK_FALSE(front_end.Init(tables.get(), {bytes + 4, tables.get().work_bytes}));
  CHECK(front_end.Init(tables.get(), {bytes, tables.get().work_bytes}));
}

#ifdef STAPES_CHECKED_ARITHMETIC
TEST_CASE("checked arithmetic traps when the scaling is two bits too large") {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGILL, SIG_DFL);  // not doctest's handler
    signal(SIGTRAP, SIG_DFL);
    TestTables tables(kAllSettings[0]);
    tables.mutable_tables().input_bits += 2;
    Harness(tables.get()).Run(SquareWave(480, 32));
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}
#endif

}  // namespace
}  // namespace stapes

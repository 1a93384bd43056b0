// SPDX-License-Identifier: Apache-2.0
// Stapes' own engine: its arena, damaged models, its parts. What it shares with the other engine is
// in engine_test.cc. Run with -DSTAPES_SANITIZE=ON, the tests of damaged models show that nothing
// outside is touched.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "nn/all_operators.h"
#include "nn/kernels/dot.h"
#include "nn/kernels/fixed_point_math.h"
#include "nn/memory_plan.h"
#include "tests/firmware/nn_fixtures.h"

namespace stapes {
namespace {

TEST_CASE("arena_used is enough, and 8 bytes less are refused") {
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    Exact large(8192);
    InferenceEngine engine;
    REQUIRE(engine.Init(fixture.model, AllOperators(), large.span()) == Status::kOk);
    const std::size_t used = engine.arena_used();
    Exact exact(used);
    REQUIRE(engine.Init(fixture.model, AllOperators(), exact.span()) == Status::kOk);
    CHECK(Run(&engine, fixture) == Expected(fixture));
    Exact tight(used - 8);
    CHECK(engine.Init(fixture.model, AllOperators(), tight.span()) == Status::kArenaTooSmall);
    CHECK(engine.error().arena_bytes > used - 8);
    CHECK(engine.Invoke() == Status::kNotReady);
  }
}

TEST_CASE("Arenas of any size are either enough or refused") {
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    std::size_t bytes = 0;
    for (; bytes < 8192; ++bytes) {
      Exact arena(bytes);
      InferenceEngine engine;
      const Status status = engine.Init(fixture.model, AllOperators(), arena.span());
      if (status == Status::kOk) {
        break;
      }
      REQUIRE(status == Status::kArenaTooSmall);
    }
    CHECK(bytes < 8192);
  }
}

// Loads, and runs if it loads; what matters is that the sanitizers stay silent.
bool Survives(const uint8_t* bytes, std::size_t size, Span<uint8_t> arena) {
  Exact model(bytes, size);
  InferenceEngine engine;
  if (engine.Init(model.span(), AllOperators(), arena) != Status::kOk) {
    return engine.error().reason[0] != '\0' && engine.Invoke() == Status::kNotReady;
  }
  for (int i = 0; i < 2; ++i) {
    std::memset(engine.input().data, 85, engine.input().size);
    engine.Invoke();
  }
  return true;
}

TEST_CASE("A model that is cut short anywhere is refused with a reason, or runs") {
  Exact arena(8192);
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    for (std::size_t size = 0; size < fixture.model.size(); ++size) {
      CAPTURE(size);
      REQUIRE(Survives(fixture.model.data(), size, arena.span()));
    }
  }
}

TEST_CASE("A model with damaged bytes is refused with a reason, or runs") {
  Exact arena(8192);
  std::mt19937 random(1);
  for (const Fixture& fixture : kFixtures) {
    CAPTURE(fixture.name);
    for (int round = 0; round < 6000; ++round) {
      std::vector<uint8_t> bytes(fixture.model.begin(), fixture.model.end());
      const auto damages = 1 + random() % 3;
      for (std::size_t i = 0; i < damages; ++i) {
        uint8_t& byte = bytes[random() % bytes.size()];
        const uint8_t choices[] = {0, 1, 0x7f, 0x80, 0xff, static_cast<uint8_t>(random())};
        byte = random() % 2 == 0 ? static_cast<uint8_t>(byte ^ (1u << random() % 8))
                                 : choices[random() % 6];
      }
      CAPTURE(round);
      REQUIRE(Survives(bytes.data(), bytes.size(), arena.span()));
    }
  }
}

TEST_CASE("A read outside of the file leaves everything else readable as it was") {
  const FlatBuffer buffer(kSvdfModel);
  const uint32_t root = buffer.Follow(0);
  const FlatTable table(&buffer, root);
  const uint32_t subgraphs = table.TableCount(2);
  CHECK(subgraphs == 1);
  CHECK_FALSE(buffer.damaged());
  CHECK(buffer.Load<uint32_t>(static_cast<uint32_t>(sizeof(kSvdfModel)) - 3) == 0);
  CHECK(buffer.damaged());
  CHECK(buffer.Follow(0) == root);
  CHECK(table.TableCount(2) == subgraphs);
}

TEST_CASE("Buffers that live together never overlap, and the plan is no larger than their sum") {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<PlannedBuffer> buffers(1 + random() % 30);
    uint32_t sum = 0;
    for (PlannedBuffer& buffer : buffers) {
      const auto first = static_cast<uint16_t>(random() % 20);
      const auto last = static_cast<uint16_t>(first + random() % 6);
      buffer = {static_cast<uint32_t>(1 + random() % 300), 0, first, last, 0, 0};
      sum += (buffer.bytes + 7) / 8 * 8;
    }
    const uint32_t total = PlanMemory({buffers.data(), buffers.size()});
    CHECK(total <= sum);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const PlannedBuffer& a = buffers[i];
      CHECK(a.offset % 8 == 0);
      CHECK(a.offset + a.bytes <= total);
      for (std::size_t j = 0; j < i; ++j) {
        const PlannedBuffer& b = buffers[j];
        const bool together = a.first_use <= b.last_use && b.first_use <= a.last_use;
        const bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
        CHECK((apart || !together));
      }
    }
  }
}

TEST_CASE("Dot products equal sums in 64 bits") {
  std::mt19937 random(4);
  for (int32_t count = 0; count < 70; ++count) {
    std::vector<int8_t> values(static_cast<std::size_t>(count));
    std::vector<int8_t> weights(values.size());
    for (int8_t& value : values) {
      value = static_cast<int8_t>(random());
    }
    for (int8_t& weight : weights) {
      weight = static_cast<int8_t>(random());
    }
    const auto offset = static_cast<int32_t>(random() % 257) - 128;
    std::vector<int16_t> wide(static_cast<std::size_t>(WideBytes(count)) / 2 + 1);
    WidenS8(values.data(), count, offset, wide.data());
    int64_t sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += int64_t{values[i] + offset} * weights[i];
    }
    CHECK(DotWideS8(wide.data(), weights.data(), count) == sum);
  }
}

TEST_CASE("Fixed-point exponentials and reciprocals follow the real functions") {
  for (int32_t x = 0; x > -(1 << 30); x -= 99991 * 37) {
    const double real = std::exp(x / std::ldexp(1.0, 26));
    CHECK(ExpOfNegative(x, 5) / std::ldexp(1.0, 31) == doctest::Approx(real).epsilon(1e-6));
  }
  for (int32_t x = 0; x < INT32_MAX - 999983; x += 999983) {
    const double real = x / std::ldexp(1.0, 31);
    CHECK(OneOverOnePlus(x) / std::ldexp(1.0, 31) == doctest::Approx(1 / (1 + real)).epsilon(1e-6));
    CHECK(OneMinusOverOnePlus(x) / std::ldexp(1.0, 31) ==
          doctest::Approx((1 - real) / (1 + real)).epsilon(1e-6));
  }
}

}  // namespace
}  // namespace stapes
